"""How a test stands, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from tamma.cli.output import note
from tamma.errors import ConfigError
from tamma.experiments.report.wire import plain
from tamma.experiments.stopping import look_in_order
from tamma.experiments.wording import signed, span
from tamma.model.ab_run import ABTestView
from tamma.model.experiment import ABTestId, Mode
from tamma.model.verdict import ABTestResult, ABTestState, Effect
from tamma.temporal import ab_tests
from tamma.temporal.run_errors import RunNotFound, WorkerSilent

if TYPE_CHECKING:
    from tamma.cli.linking import Link
    from tamma.store.interface import Store

Json = dict[str, object]
_ANSWERS = {"approve": "approved", "reject": "rejected"}


@dataclass(frozen=True, slots=True)
class Standing:
    """A test as it is stored, and as it says of itself where it lives and a worker answers."""

    test_id: ABTestId
    result: ABTestResult
    view: ABTestView | None


async def find(store: Store, name: str) -> ABTestId:
    """The test of that name or id, or the only one whose id begins so. Raises ConfigError."""
    found = await store.find_test(name)
    if found is None:
        raise ConfigError(f"there is no A/B test {name!r}", hint="`tamma ab list` shows all")
    if found.startswith(name) and found != name:
        # Ids begin with their time. An answer to the newest of many would be an answer to any of them.
        await _alone(store, found, name)
    return found


async def _alone(store: Store, found: ABTestId, begins: str) -> None:
    results = await store.list_results()
    if any(each.test_id == found and each.name == begins for each in results):
        return
    others = [each for each in results if each.test_id.startswith(begins) and each.test_id != found]
    if others:
        raise ConfigError(
            f"{len(others) + 1} A/B tests have an id that begins with {begins!r}",
            hint="say the name, or more of the id: `tamma ab list` shows both",
        )


async def standing(link: Link, store: Store, name: str) -> Standing:
    """How a test stands. Raises ConfigError where there is none."""
    test_id = await find(store, name)
    result = await store.read_result(test_id)
    if result is None:
        raise ConfigError(f"the test {name!r} is being prepared", hint="look again in a moment")
    view = None
    if not result.state.final:
        try:
            view = await ab_tests.view(link.client, test_id)
        except (WorkerSilent, RunNotFound) as error:
            note(f"{error}; this is what the store knows")
    return Standing(test_id, result, view)


def standing_json(found: Standing) -> Json:
    """The specification's ABTestResult, and `progress` where the test lives."""
    shape = result_json(found.result)
    shape["progress"] = plain(found.view) if found.view else None
    return shape


def result_json(result: ABTestResult) -> Json:
    """The specification's fields by its names, and what explains them."""
    shape = cast("Json", plain(result))
    shape["agentA"] = f"{result.agent_a.name}@{result.agent_a.version}"
    shape["agentB"] = f"{result.agent_b.name}@{result.agent_b.version}"
    return shape


def lines(found: Standing) -> list[str]:
    """For a person."""
    result, view = found.result, found.view
    rows = {
        "test": f"{result.name} ({found.test_id})",
        "state": result.state.value + (" (paused)" if result.paused else ""),
        "control": f"{result.agent_a.name}@{result.agent_a.version}",
        "candidate": f"{result.agent_b.name}@{result.agent_b.version}",
        "spent": f"{(view or result).spent_usd:.2f} USD",
    }
    if view is not None:
        rows |= _progress(view)
    verdict = view.verdict if view else result.verdict
    if verdict is not None:
        rows["verdict"] = verdict.decision.value
        rows["why"] = verdict.sentence
    if (effect := view.effect if view else result.effect) is not None and effect.estimate is not None:
        rows["effect"] = _effect(effect)
    if result.stop_reason is not None:
        rows["ended by"] = result.stop_reason.value
    if (who := result.approver) is not None:
        vouched = "" if who.authenticated else ", by signal, not authenticated"
        rows["answered"] = f"{_ANSWERS[who.decision]} by {who.name}{vouched}, {who.at:%Y-%m-%d %H:%M} UTC"
    if result.applied_version is not None:
        rows["applied"] = f"{result.agent_a.name}@{result.applied_version}"
    if view is not None and view.canary is not None:
        rows["canary"] = view.canary.sentence
    if result.note:
        rows["end"] = result.note
    if view is not None and view.waiting:
        rows["waiting"] = view.waiting
    width = max(len(key) for key in rows)
    notes = view.notes if view else ()
    return [*(f"{key:<{width}}  {value}" for key, value in rows.items()), *(f"- {each}" for each in notes)]


def _progress(view: ABTestView) -> dict[str, str]:
    unit = "tasks" if view.plan.mode is Mode.PAIRED else "runs"
    rows = {
        "complete": f"{view.units} of {view.units_planned} {unit}, {view.trials_running} trials under way",
        "looks": f"{len(view.looks)} of {len(view.looks_planned)}",
        "ends": f"{view.ends_at:%Y-%m-%d %H:%M} UTC at the latest",
    }
    due = look_in_order(view.looks_planned, view.looks, view.units_planned)
    if due is not None and view.state is ABTestState.RUNNING:
        rows["looks"] += f", the next after {due.units} {unit}"
    return rows


def _effect(effect: Effect) -> str:
    assert effect.estimate is not None
    between = ""
    if effect.low is not None and effect.high is not None:
        between = f" ({span(effect.metric, effect.low, effect.high)})"
    return f"{effect.metric}: {signed(effect.metric, effect.estimate)}{between}"


def list_row(result: ABTestResult) -> tuple[str, ...]:
    """A line of `tamma ab list`."""
    return (
        result.name,
        str(result.test_id)[:13],
        result.state.value,
        result.verdict.decision.value if result.verdict else "",
        f"{result.units}/{result.sample_size}",
        f"{result.spent_usd:.2f}",
        f"{result.created_at:%Y-%m-%d}",
    )


LIST_HEADS = ("NAME", "ID", "STATE", "VERDICT", "TASKS", "USD", "STARTED")
