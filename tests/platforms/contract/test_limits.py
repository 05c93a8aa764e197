"""What goes wrong on the way is told apart, and never tried again here: Temporal does that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

import pytest

from tamma.errors import BadCredentials, PlatformRateLimited, Transient
from tests.platforms.harness import Harness
from tests.platforms.registry import ANSWERS_LOST
from tests.platforms.steps import BRANCH, base_sha, needs

pytestmark = needs(ANSWERS_LOST)


async def _read(harness: Harness, sha: str) -> object:
    return await harness.platform.get_file(harness.repo, "README.md", "main")


async def _write(harness: Harness, sha: str) -> object:
    return await harness.platform.ensure_branch(harness.repo, BRANCH, sha)


CALLS = pytest.mark.parametrize("call", [_read, _write])
Call = Callable[[Harness, str], Awaitable[object]]


@CALLS
async def test_a_limit_says_when_to_come_back(harness: Harness, call: Call) -> None:
    sha = await base_sha(harness)
    harness.rate_limited(17)
    with pytest.raises(PlatformRateLimited) as caught:
        await call(harness, sha)
    assert caught.value.retry_after is not None
    assert 16 <= caught.value.retry_after <= 18


@CALLS
@pytest.mark.parametrize("kind", ["error", "no_connection"])
async def test_a_failure_that_may_pass_is_told_at_once(
    harness: Harness, call: Call, kind: Literal["error", "no_connection"]
) -> None:
    """Were it tried again by the client, the second try would succeed and nothing be raised."""
    sha = await base_sha(harness)
    harness.unavailable(kind)
    with pytest.raises(Transient) as caught:
        await call(harness, sha)
    assert not isinstance(caught.value, PlatformRateLimited)
    assert await call(harness, sha)


@CALLS
async def test_a_failure_says_what_to_do(harness: Harness, call: Call) -> None:
    sha = await base_sha(harness)
    harness.unavailable("error")
    with pytest.raises(Transient) as caught:
        await call(harness, sha)
    assert caught.value.hint
    assert "<html>" not in caught.value.message


async def test_no_answer_in_time_may_pass(harness: Harness) -> None:
    platform = harness.impatient()
    harness.unavailable("stall")
    with pytest.raises(Transient):
        await platform.get_file(harness.repo, "README.md", "main")


async def test_bad_credentials_are_told_and_not_shown(harness: Harness) -> None:
    platform = harness.with_token("canary-of-a-stranger")
    with pytest.raises(BadCredentials) as caught:
        await platform.check_credentials()
    with pytest.raises(BadCredentials):
        await platform.get_repository(harness.repo)
    assert caught.value.hint
    assert "canary" not in f"{caught.value.message} {caught.value.hint} {platform.settings!r}"
