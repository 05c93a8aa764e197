"""A test's report, from the store or from its bundle."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from tamma.errors import ConfigError
from tamma.experiments import bundle
from tamma.experiments.report.build import Records, build_report
from tamma.experiments.report.model import Report, Standing
from tamma.model.experiment import ABTestId

if TYPE_CHECKING:
    from tamma.model.agent import AgentConfig
    from tamma.store.interface import Store


async def bundle_of(store: Store, test_id: ABTestId) -> bundle.Bundle:
    """The bundle as it was archived; of a test that lives, as it stands."""
    from activities.experiments import read_bundle

    result = await store.read_result(test_id)
    if result is None:
        raise ConfigError(f"the test {test_id!r} is being prepared", hint="look again in a moment")
    return await read_bundle(store, test_id, result)


async def report_of(store: Store, test_id: ABTestId) -> Report:
    """The report of a stored test."""
    made = await bundle_of(store, test_id)
    control = await store.read_config(made.plan.control.hash)
    candidate = await store.read_config(made.plan.candidate.hash)
    configs = (control, candidate) if control is not None and candidate is not None else None
    return await asyncio.to_thread(_report, made, configs)


def report_of_bundle(file: Path) -> tuple[Report, tuple[str, ...]]:
    """The report of a bundle, analysed again; and in words what did not come out as it was recorded."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"the bundle {str(file)!r} cannot be read: {error}") from error
    made = bundle.from_bytes(content)
    again = list(bundle.analyse_again(made))
    wrong = [
        f"look {each.look.number} does not come out as it was recorded" for each in again if not each.same
    ]
    recorded = made.result.verdict
    if recorded is not None and not again:
        wrong.append(f"the verdict {recorded.decision} was recorded, and no look that it follows from")
    elif recorded is not None and again[-1].verdict != recorded:
        found = again[-1].verdict
        wrong.append(f"the verdict comes out otherwise, as {found.decision}: {found.sentence}")
    return _report(made, None), tuple(wrong)


def _report(made: bundle.Bundle, configs: tuple[AgentConfig, AgentConfig] | None) -> Report:
    result, looks = made.result, list(bundle.analyse_again(made))
    standing = Standing(
        state=result.state,
        stop_reason=result.stop_reason,
        spent_usd=result.spent_usd,
        created_at=result.created_at,
        ended_at=result.ended_at,
        approver=result.approver,
        applied_version=result.applied_version,
        rolled_back_to=result.rolled_back_to,
    )
    records = Records(
        test_id=result.test_id,
        plan=made.plan,
        planned=made.looks_planned,
        assignments=made.assignments,
        outcomes=made.outcomes,
        looks=made.looks,
        standing=standing,
    )
    notes = (result.note,) if result.note else ()
    return build_report(records, looks[-1].evidence if looks else None, configs=configs, notes=notes)
