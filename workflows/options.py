"""Every timeout and retry policy of every activity, by name. Durations in seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from temporalio.common import RetryPolicy

PROVIDER_RETRIES = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=60),
    maximum_attempts=3,
)
"""1, 2, 4 s (the specification's); a Retry-After goes before. Then the workflow waits, it does not fail."""

PLATFORM_RETRIES = RetryPolicy(
    initial_interval=timedelta(seconds=2),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=60),
    maximum_attempts=3,
)
"""2, 4, 8 s (the specification's)."""

WORKSPACE_RETRIES = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=30),
    maximum_attempts=4,
)

STORE_RETRIES = RetryPolicy(
    initial_interval=timedelta(milliseconds=500),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=30),
)
"""Without end within the activity's schedule-to-close: a store that is down makes the run wait."""

POLLING = RetryPolicy(
    initial_interval=timedelta(seconds=2),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=15),
)
"""Each attempt is one look; it fails in a benign way and says when to look again. The intervals are for looks
that went wrong: one that its worker's death cut short is soon repeated."""

FIRST_OUTAGE_WAIT = 15.0
LONGEST_OUTAGE_WAIT = 300.0
"""How long a run waits, durably, between tries while something does not answer."""


@dataclass(frozen=True, slots=True)
class Options:
    """How one kind of activity is called."""

    start_to_close: float
    retries: RetryPolicy
    heartbeat: float | None = None
    schedule_to_close: float | None = None
    schedule_to_start: float | None = None

    def lasting(self, seconds: float) -> Options:
        """The same, with at least `seconds` for one attempt."""
        return replace(self, start_to_close=max(self.start_to_close, seconds))

    def lost_after(self, seconds: float) -> Options:
        """The same, giving up on a queue that nobody has polled for `seconds`."""
        return replace(self, schedule_to_start=seconds)


MODEL_CALL = Options(start_to_close=900, heartbeat=4, retries=PROVIDER_RETRIES)
PLATFORM_CALL = Options(start_to_close=60, heartbeat=5, retries=PLATFORM_RETRIES)
PLATFORM_WATCH = Options(start_to_close=60, heartbeat=5, retries=POLLING, schedule_to_close=14 * 24 * 3600)
"""When its time is up, the next one looks on: `answer_of` in workflows/calls.py."""
COMMENT_WATCH = Options(start_to_close=60, retries=POLLING, schedule_to_close=14 * 24 * 3600)
"""Without heartbeats, so that whoever stops listening waits for nobody. A look that its worker's death cut
short is repeated after a minute."""
REACH_PEOPLE = Options(start_to_close=60, retries=POLLING, schedule_to_close=24 * 3600)
"""What people should read, and need not read at once."""
PREPARE = Options(start_to_close=1800, heartbeat=10, retries=WORKSPACE_RETRIES)
SET_UP = Options(start_to_close=3600, heartbeat=10, retries=WORKSPACE_RETRIES)
TOOLS = Options(start_to_close=3600, heartbeat=10, retries=WORKSPACE_RETRIES)
WORKSPACE_CALL = Options(start_to_close=300, heartbeat=10, retries=WORKSPACE_RETRIES)
STORE_CALL = Options(start_to_close=30, heartbeat=5, retries=STORE_RETRIES, schedule_to_close=24 * 3600)
TAKING_UP = Options(start_to_close=300, heartbeat=10, retries=STORE_RETRIES, schedule_to_close=24 * 3600)
ROOM_WATCH = Options(start_to_close=60, retries=POLLING, schedule_to_close=40 * 24 * 3600)
"""Longer than any period with an end. Without heartbeats, so that whoever stops waiting waits for nobody."""
ANALYSIS = Options(start_to_close=600, heartbeat=10, retries=STORE_RETRIES, schedule_to_close=24 * 3600)
MANY_REPOSITORIES = Options(
    start_to_close=6 * 3600, heartbeat=10, retries=STORE_RETRIES, schedule_to_close=20 * 3600
)
CLEAN_UP = Options(
    start_to_close=120, heartbeat=10, retries=WORKSPACE_RETRIES, schedule_to_close=600, schedule_to_start=60
)
