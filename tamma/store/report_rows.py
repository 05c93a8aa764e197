"""Sums and samples of runs: what both stores agree on, and how PostgreSQL's rows become them."""

from __future__ import annotations

from tamma.errors import StoreError
from tamma.model.analysis import TimeRange
from tamma.model.measured import LengthBin, RunSums, RunValues
from tamma.store.database import Row
from tamma.store.interface.reports import MOST_PARTS

UNKNOWN = "unknown"


def check_parts(parts: int, time_range: TimeRange) -> None:
    """Raises StoreError for a range that cannot be cut so."""
    if not 1 <= parts <= MOST_PARTS:
        raise StoreError(f"a range has 1 to {MOST_PARTS} parts, not {parts}")
    if time_range.end <= time_range.start:
        raise StoreError(f"the range from {time_range.start} to {time_range.end} is empty")


def sums_of(row: Row) -> RunSums:
    """The sums in a row of one error type: of the runs that succeeded where it is empty."""
    failed = row["runs"] - row["successes"]
    return RunSums(
        runs=row["runs"],
        successes=row["successes"],
        duration_ms=int(row["duration_ms"]),
        duration_squares=row["duration_squares"],
        cost_usd=row["cost_usd"],
        priced=row["priced"],
        priced_successes=row["priced_successes"],
        priced_usd=row["priced_usd"],
        priced_squares=row["priced_squares"],
        priced_success_usd=row["priced_success_usd"],
        graded=row["graded"],
        quality=row["quality"],
        quality_squares=row["quality_squares"],
        input_tokens=int(row["input_tokens"]),
        output_tokens=int(row["output_tokens"]),
        cache_read_tokens=int(row["cache_read_tokens"]),
        windowed=row["windowed"],
        efficiency=row["efficiency"],
        truncated=row["truncated"],
        overflowed=row["overflowed"],
        turns=int(row["turns"]),
        errors={row["error_type"] or UNKNOWN: failed} if failed else {},
        lengths=tuple(
            LengthBin(*each)
            for each in zip(row["lengths"], row["length_runs"], row["least"], row["most"], strict=True)
        ),
    )


def values_of(row: Row) -> RunValues:
    """The run in a row."""
    return RunValues(**row)
