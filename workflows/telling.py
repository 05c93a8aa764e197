"""A run tells the A/B tests that wait for runs like it that it has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from temporalio import workflow
from temporalio.exceptions import FailureError, is_cancelled_exception

from tamma.model.experiment import ABTestId, ab_id

TELLING = "tell-tests"
"""The change that runs tell tests of their end: those from before it leave them to their own looking."""
LONGEST = 10.0
"""Seconds that it takes at most: a test looks by itself, too, only later."""


async def tell_tests(tests: Sequence[ABTestId]) -> None:
    """Have these tests look now. One that has ended meanwhile, or does not answer, changes nothing."""
    if not tests or not workflow.patched(TELLING):
        return
    telling = [asyncio.create_task(_tell(test)) for test in tests]
    _, late = await workflow.wait(telling, timeout=LONGEST)
    for each in late:
        each.cancel()


async def _tell(test: ABTestId) -> None:
    try:
        await workflow.get_external_workflow_handle(ab_id(test)).signal("run_ended")
    except FailureError as error:
        if not is_cancelled_exception(error):
            workflow.logger.info("the A/B test %s was not told that a run ended: %s", test, error)
