"""Comments of an issue and its pull request, read for what they say to the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from temporalio import activity

from activities.failures import failing_well, not_yet
from activities.heartbeat import heard
from activities.interface.listening import (
    AWAIT_COMMANDS,
    MOST_STRANGERS,
    AwaitCommands,
    CommandsHeard,
    Place,
    Spoken,
)
from activities.looking import pause_after
from activities.ourselves import our_names
from activities.pools import PlatformPool
from tamma.errors import BadCredentials, Forbidden, NotFound, Unsupported
from tamma.model.commands import Command, Mark, Word, commands_in
from tamma.model.conventions import Conventions
from tamma.model.repository import Comment, Target
from tamma.platforms.interface import COMMENTS, Platform

SHORTEST_LOOK = 2.0
"""Seconds between looks at least, whatever the poll: people do not answer faster, and runs are many."""
LONGEST_LOOK = 600.0
"""Seconds between looks at a run in which nobody has said anything for an hour."""
_GROWTH = 1.2
_MOST_AT_ONCE = 20
"""Comments of one look; the others wait for the next."""


class ListeningActivities:
    """Holds the platform accounts, and whom their teams let speak."""

    def __init__(
        self,
        platforms: PlatformPool,
        conventions: Callable[[str], Conventions] = lambda _: Conventions(),
    ) -> None:
        self._platforms = platforms
        self._conventions = conventions

    @activity.defn(name=AWAIT_COMMANDS.name)
    @failing_well
    @heard
    async def await_commands(self, given: AwaitCommands) -> CommandsHeard:
        """One look at every conversation; `not_yet` until one of them says something to the run.

        Reads only: made twice, it finds the same. A conversation that is new is read up to its end at once.
        """
        # With a poll of 15 s a word is heard within a quarter of a minute at first, and within ten minutes
        # after three quarters of an hour in which nobody has said anything.
        first = max(given.poll, SHORTEST_LOOK)
        pause = pause_after(activity.info().attempt, first, growth=_GROWTH, longest=LONGEST_LOOK)
        platform = await self._platforms.get(given.repo.platform_id)
        try:
            if COMMENTS not in await platform.capabilities():
                raise not_yet("the platform has no comments", LONGEST_LOOK)
            found = await _Look(platform, given, self._conventions(given.repo.platform_id)).everywhere()
        except (BadCredentials, Forbidden, NotFound, Unsupported) as error:
            # Whatever the run does next says so in its own words. Here it may pass, and nobody is in a hurry.
            raise not_yet(f"comments cannot be read: {error.message}", LONGEST_LOOK) from None
        if any(place.read is None for place in given.places) or found.spoken:
            return found
        if len(given.strangers) < MOST_STRANGERS and set(found.ignored) - set(given.strangers):
            return found
        raise not_yet("nobody has said anything to the run", pause)


class _Look:
    """One look at all conversations of a run."""

    def __init__(self, platform: Platform, given: AwaitCommands, wanted: Conventions) -> None:
        self._platform = platform
        self._given = given
        self._tracked = wanted.tracker is not None
        self._allowed = frozenset(name.lower().lstrip("@") for name in wanted.people)
        self._us: frozenset[str] | None = None
        self._spoken: list[Spoken] = []
        self._ignored: dict[str, None] = {}

    async def everywhere(self) -> CommandsHeard:
        places = [Place(place.target, await self._read(place)) for place in self._given.places]
        return CommandsHeard(tuple(places), tuple(self._spoken), tuple(self._ignored))

    async def _read(self, place: Place) -> Mark:
        try:
            comments = await self._platform.list_comments(self._given.repo, place.target)
        except NotFound:  # deleted: the other conversation may still be there
            return place.read or Mark()
        if place.read is None:
            return end_of(comments)
        mark = place.read
        for comment in unread(comments, place.read):
            if len(self._spoken) == _MOST_AT_ONCE:
                break
            mark = Mark(comment.id, comment.created_at)
            if commands := commands_in(comment.body):
                await self._hear(place.target, comment, commands)
        return mark

    async def _hear(self, target: Target, comment: Comment, commands: tuple[Command, ...]) -> None:
        if self._us is None:  # asked only when there is something to be heard: looks are many
            self._us = await our_names(self._platform)
        if comment.author.lower() in self._us:
            return
        if not may_speak(comment, self._allowed):
            self._ignored[comment.author] = None
            return
        self._spoken.append(
            Spoken(
                target,
                comment.id,
                comment.author,
                commands,
                comment.created_at,
                await self._head(commands),
                of_tracker=self._tracked and target.kind == "issue",
            )
        )

    async def _head(self, commands: Sequence[Command]) -> str:
        """What an approval would approve: the newest pull request's head."""
        pulls = [each.target.number for each in self._given.places if each.target.kind == "pull_request"]
        if not pulls or all(command.word is not Word.APPROVE for command in commands):
            return ""
        return (await self._platform.get_pr(self._given.repo, pulls[-1])).head_sha


def unread(comments: Sequence[Comment], read: Mark | None) -> Sequence[Comment]:
    """The comments after the mark. An edit of an older one is no new word.

    Where the marked one was deleted, its time tells; without a time nothing is new, as a word that is lost
    can be said again, and one that is taken twice cannot be taken back.
    """
    if read is None:
        return ()
    if not read.id:
        return comments
    for number, comment in enumerate(comments):
        if comment.id == read.id:
            return comments[number + 1 :]
    after = read.at
    return [one for one in comments if after and one.created_at and one.created_at > after]


def end_of(comments: Sequence[Comment]) -> Mark:
    """The mark behind all of them."""
    return Mark(comments[-1].id, comments[-1].created_at) if comments else Mark()


def may_speak(comment: Comment, allowed: frozenset[str]) -> bool:
    """Whether its author may write to the repository and is one of those whom the configuration names, if it
    names any."""
    return comment.trusted and (not allowed or comment.author.lower() in allowed)
