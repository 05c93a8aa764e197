"""Agents, versions, differences and findings as JSON and as lines. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from tamma.agents.configs.compare import Difference, flat
from tamma.cli.agenting.performance import Record
from tamma.model.agent import AgentId, TaskType
from tamma.model.agent_form import config_to_form

if TYPE_CHECKING:
    from tamma.agents.configs.contexts import Fit
    from tamma.agents.configs.findings import Finding
    from tamma.agents.configs.manager import Found
    from tamma.model.agent import Agent, AgentVersion
    from tamma.store.interface import Event

Json = dict[str, object]
Records = Mapping[tuple[AgentId, int], Record]
NONE = Record()


def agent_json(found: Found, record: Record = NONE) -> Json:
    """An agent with the version that was meant."""
    agent, version = found.agent, found.version
    return {
        "agentId": agent.agent_id,
        "name": agent.name,
        "active": agent.active,
        "latest": agent.latest,
        "revision": agent.revision,
        "deleted": agent.deleted,
        "createdAt": agent.created_at.isoformat(),
        "updatedAt": agent.updated_at.isoformat(),
        "version": version_json(version, record),
    }


def version_json(version: AgentVersion, record: Record = NONE, *, whole: bool = True) -> Json:
    shape: Json = {
        "number": version.number,
        "state": version.state.value,
        "hash": version.hash,
        "author": version.author,
        "reason": version.reason,
        "parent": version.parent,
        "createdAt": version.created_at.isoformat(),
        "performance": record.json(),
    }
    return shape | {"config": config_to_form(version.config)} if whole else shape


def list_row(found: Found, record: Record) -> tuple[str, ...]:
    agent, config = found.agent, found.version.config
    tasks = config.capabilities.supported_tasks
    newer = agent.latest - found.version.number
    return (
        agent.name,
        f"@{found.version.number} {found.version.state.value}" + (f", {newer} newer" if newer else ""),
        config.provider + (f"/{config.model}" if config.model else ""),
        "all" if set(tasks) == set(TaskType) else ", ".join(tasks),
        *record_cells(record),
    )


LIST_HEADS = ("NAME", "VERSION", "PROVIDER", "FOR", "RUNS", "COST", "QUALITY")
VERSION_HEADS = ("VERSION", "STATE", "FROM", "AUTHOR", "MADE", "RUNS", "COST", "QUALITY", "REASON")


def version_row(version: AgentVersion, record: Record) -> tuple[str, ...]:
    return (
        f"@{version.number}",
        version.state.value,
        f"@{version.parent}" if version.parent else "-",
        version.author or "-",
        f"{version.created_at:%Y-%m-%d %H:%M}",
        *record_cells(record),
        version.reason or "-",
    )


def event_json(event: Event) -> Json:
    """A change of an agent, and why."""
    data = event.data
    return {
        "at": event.recorded_at.isoformat(),
        "type": event.type,
        "actor": event.actor,
        "version": data.get("version"),
        "insteadOf": data.get("instead_of"),
        "reason": data.get("reason"),
    }


HISTORY_HEADS = ("AT", "WHAT", "VERSION", "INSTEAD OF", "WHO", "WHY")


def history_row(event: Event) -> tuple[str, ...]:
    data = event.data
    version, before = (data.get(key) for key in ("version", "instead_of"))
    return (
        f"{event.recorded_at:%Y-%m-%d %H:%M:%S}",
        event.type.removeprefix("agent.").replace("_", " "),
        f"@{version}" if version else "-",
        f"@{before}" if before else "-",
        event.actor or "-",
        str(data.get("reason") or "-"),
    )


def record_cells(record: Record) -> tuple[str, str, str]:
    """Runs that succeeded of all, mean cost, mean quality."""
    if not record.runs:
        return ("-", "-", "-")
    cost = record.mean_cost_usd
    return (
        f"{record.succeeded} of {record.runs}",
        "unknown" if cost is None else f"${cost:.4f}" if 0 < cost < 1 else f"${cost:.2f}",
        "-" if record.mean_quality is None else f"{record.mean_quality:.0f}",
    )


def config_lines(found: Found) -> Iterator[str]:
    """One version, for people. What is not set and has nothing to stand in for it is left out."""
    agent, version = found.agent, found.version
    active = "none" if agent.active is None else f"{agent.name}@{agent.active}"
    rows = {
        "agent": f"{found.label} ({version.state.value})",
        "id": agent.agent_id,
        "hash": version.hash,
        "active": active + (" (the agent is deleted)" if agent.deleted else ""),
        "reason": version.reason or "-",
        "made": f"{version.created_at:%Y-%m-%d %H:%M} by {version.author or '-'}"
        + (f", from @{version.parent}" if version.parent else ""),
    }
    rows |= {
        key: _UNSET.get(key, "") if value is None else words(value)
        for key, value in flat(version.config).items()
    }
    rows |= {
        f"prompts.{name}": f"its own, {len(text):,} characters"
        for name, text in sorted(version.config.prompts.items())
    }
    rows["prompts"] = "the others are built in" if version.config.prompts else "built in"
    rows = {key: value for key, value in rows.items() if value}
    width = max(len(key) for key in rows)
    return (f"{key:<{width}}  {value}" for key, value in rows.items())


_UNSET = {"model": "the provider entry's own", "tools": "all"}


def words(value: object) -> str:
    """A field's value for people; what is not set is a dash."""
    match value:
        case None | ():
            return "-"
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ", ".join(str(each) for each in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - texts
        case int():
            return f"{value:,}"
        case float():
            return f"{value:g}"
        case _:
            return str(value)


def difference_json(before: Found, after: Found, difference: Difference) -> Json:
    return {
        "before": {"agent": before.label, "hash": before.version.hash},
        "after": {"agent": after.label, "hash": after.version.hash},
        "fields": [
            {"field": each.field, "before": each.before, "after": each.after} for each in difference.fields
        ],
        "prompts": [{"name": each.name, "patch": each.patch} for each in difference.prompts],
    }


def field_rows(difference: Difference) -> list[tuple[str, ...]]:
    return [(each.field, words(each.before), words(each.after)) for each in difference.fields]


def finding_json(finding: Finding) -> Json:
    return {
        "severity": finding.severity.value,
        "field": finding.field,
        "message": finding.message,
        "hint": finding.hint or None,
    }


def finding_lines(findings: Iterable[Finding]) -> Iterator[str]:
    for each in findings:
        yield f"{each.severity.value}: {each}" + (f" ({each.hint})" if each.hint else "")


def fit_json(fit: Fit) -> Json:
    return {
        "context": fit.context.value,
        "able": fit.able,
        "reasons": list(fit.reasons),
        "remarks": list(fit.remarks),
    }


FIT_HEADS = ("CONTEXT", "ABLE", "WHY")


def fit_rows(fits: Sequence[Fit]) -> list[tuple[str, ...]]:
    return [
        (fit.context.value, "yes" if fit.able else "no", "; ".join((*fit.reasons, *fit.remarks)) or "-")
        for fit in fits
    ]


def agents_json(found: Sequence[Found], kept: Records) -> list[Json]:
    return [agent_json(each, kept.get((each.agent.agent_id, each.version.number), NONE)) for each in found]


def whole_json(found: Found, versions: Sequence[AgentVersion], kept: Records) -> Json:
    agent: Agent = found.agent
    shape = agent_json(found, kept.get((agent.agent_id, found.version.number), NONE))
    return shape | {
        "versions": [
            version_json(each, kept.get((agent.agent_id, each.number), NONE), whole=False)
            for each in versions
        ]
    }
