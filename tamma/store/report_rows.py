"""Sums and samples of runs: what both stores agree on, and how PostgreSQL's rows become them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from tamma.errors import StoreError
from tamma.model.analysis import TimeRange
from tamma.model.measured import LengthBin, RunGroup, RunSums, RunValues, merged
from tamma.store.database import Row
from tamma.store.interface.reports import MOST_PARTS

UNKNOWN = "unknown"


def check_parts(parts: int, time_range: TimeRange) -> None:
    """Raises StoreError for a range that cannot be cut so."""
    if not 1 <= parts <= MOST_PARTS:
        raise StoreError(f"a range has 1 to {MOST_PARTS} parts, not {parts}")
    if time_range.end <= time_range.start:
        raise StoreError(f"the range from {time_range.start} to {time_range.end} is empty")


def bounds(time_range: TimeRange, parts: int) -> list[datetime]:
    """The moments at which each part but the first begins."""
    length = time_range.end - time_range.start
    return [time_range.start + length * part / parts for part in range(1, parts)]


def groups_of(sums: Iterable[Row], lengths: Iterable[Row]) -> tuple[RunGroup, ...]:
    """The groups, in their order, from rows of runs that ended alike and rows of runs of one length."""
    found: dict[_Key, list[RunSums]] = {}
    names: dict[_Key, str] = {}
    for row in sums:
        key = _key(row)
        found.setdefault(key, []).append(_sums(row))
        names[key] = max(names.get(key, ""), row["agent"] or "")
    for row in lengths:
        # A run that ended between the two statements may have a length and no sums yet.
        if (key := _key(row)) in found:
            length = LengthBin(row["length"], row["runs"], row["least"], row["most"])
            found[key].append(RunSums(lengths=(length,)))
    return tuple(RunGroup(key[0], key[1], names[key], *key[2:], merged(found[key])) for key in sorted(found))


_Key = tuple[int, str, int, str]


def _key(row: Row) -> _Key:
    return row["part"], row["agent_id"] or "", row["agent_version"] or 0, row["task_type"]


def _sums(row: Row) -> RunSums:
    """Of runs that ended alike, and whose prices are all known, or not."""
    runs, success, priced = row["runs"], row["success"], row["priced"]
    cost = float(row["cost_usd"]) if priced else 0.0
    return RunSums(
        runs=runs,
        successes=runs if success else 0,
        duration_ms=int(row["duration_ms"]),
        duration_squares=row["duration_squares"],
        cost_usd=row["cost_usd"],
        priced=runs if priced else 0,
        priced_successes=runs if priced and success else 0,
        priced_usd=cost,
        priced_squares=float(row["cost_squares"]) if priced else 0.0,
        priced_success_usd=cost if success else 0.0,
        graded=row["graded"],
        quality=row["quality"] or 0.0,
        quality_squares=row["quality_squares"] or 0.0,
        input_tokens=int(row["input_tokens"]),
        output_tokens=int(row["output_tokens"]),
        cache_read_tokens=int(row["cache_read_tokens"]),
        windowed=row["windowed"],
        efficiency=row["efficiency"] or 0.0,
        truncated=row["truncated"],
        overflowed=row["overflowed"],
        turns=row["turns"],
        errors={} if success else {row["error_type"] or UNKNOWN: runs},
    )


def values_of(row: Row) -> RunValues:
    """The run in a row."""
    return RunValues(**row)
