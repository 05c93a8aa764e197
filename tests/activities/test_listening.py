"""Looks at conversations: what is new in them, who is heard, when the next look is."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.interface.listening import MOST_STRANGERS, AwaitCommands, CommandsHeard, Place
from activities.listening import ListeningActivities, unread
from tamma.model.commands import Command, Mark, Word
from tamma.model.repository import Comment, RepoRef, Target
from tamma.platforms.memory.platform import MemoryPlatform
from tamma.pools import Platforms
from tests.support.loop import make_repository, platform_settings

REPO, ISSUE = RepoRef("memory", "acme", "calc"), Target("issue", "1")
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def comment(name: int, body: str = "", author: str = "ada", *, trusted: bool = True) -> Comment:
    return Comment(str(name), author, body, NOON + timedelta(minutes=name), trusted)


SAID = [comment(1), comment(2), comment(3)]


@pytest.mark.parametrize(
    ("read", "new"),
    [
        (None, []),
        (Mark(), ["1", "2", "3"]),
        (Mark("1"), ["2", "3"]),
        (Mark("3"), []),
        (Mark("gone", NOON + timedelta(minutes=2)), ["3"]),
        (Mark("gone"), []),
    ],
)
def test_what_is_new(read: Mark | None, new: list[str]) -> None:
    assert [one.id for one in unread(SAID, read)] == new


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncGenerator[tuple[Platforms, MemoryPlatform]]:
    account = platform_settings(tmp_path, make_repository(tmp_path))
    pool = Platforms(lambda _: account)
    made = await pool.get("memory")
    assert isinstance(made, MemoryPlatform)
    yield pool, made
    await pool.close()


async def look(pool: Platforms, *places: Place, strangers: tuple[str, ...] = ()) -> CommandsHeard | None:
    """One look. None: nobody has said anything."""
    given = AwaitCommands(REPO, places, 15, strangers)
    try:
        return await ActivityEnvironment().run(ListeningActivities(pool).await_commands, given)
    except ApplicationError as error:
        if error.type != "NotYet":
            raise
        return None


async def test_a_conversation_that_was_never_read_is_history(
    platform: tuple[Platforms, MemoryPlatform],
) -> None:
    pool, forge = platform
    await forge.add_comment(REPO, "1", comment(1, "/tamma cancel"))
    heard = await look(pool, Place(ISSUE))
    assert heard == CommandsHeard((Place(ISSUE, Mark("1", NOON + timedelta(minutes=1))),))
    assert heard is not None
    assert await look(pool, *heard.places) is None
    await forge.add_comment(REPO, "1", comment(2, "/tamma pause"))
    heard = await look(pool, *heard.places)
    assert heard is not None
    (spoken,) = heard.spoken
    assert (spoken.comment, spoken.author, spoken.commands) == ("2", "ada", (Command(Word.PAUSE),))
    assert await look(pool, *heard.places) is None


async def test_strangers_are_named_once_and_not_without_end(
    platform: tuple[Platforms, MemoryPlatform],
) -> None:
    pool, forge = platform
    await forge.add_comment(REPO, "1", comment(1, "/tamma cancel", "mallory", trusted=False))
    heard = await look(pool, Place(ISSUE, Mark()))
    assert heard is not None
    assert (heard.spoken, heard.ignored) == ((), ("mallory",))
    assert await look(pool, Place(ISSUE, Mark()), strangers=("mallory",)) is None
    crowd = tuple(f"stranger-{number}" for number in range(MOST_STRANGERS))
    assert await look(pool, Place(ISSUE, Mark()), strangers=crowd) is None


async def test_a_conversation_that_is_gone_silences_no_other(
    platform: tuple[Platforms, MemoryPlatform],
) -> None:
    pool, forge = platform
    await forge.add_comment(REPO, "1", comment(1, "/tamma pause"))
    gone = Place(Target("pull_request", "99"), Mark("7"))
    heard = await look(pool, gone, Place(ISSUE, Mark()))
    assert heard is not None
    assert (heard.places[0], len(heard.spoken)) == (gone, 1)
