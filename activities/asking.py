"""Putting a plan's questions to people where they look."""

from __future__ import annotations

from temporalio import activity

from activities.commenting import write_comment
from activities.failures import failing_well
from activities.heartbeat import heard
from activities.interface import Done
from activities.interface.asking import POST_QUESTIONS, PostQuestions
from activities.pools import PlatformPool
from tamma.errors import Forbidden, NotFound, Unsupported
from tamma.model.repository import Target
from tamma.platforms.interface import COMMENTS, ISSUES


class AskingActivities:
    """Holds the platform accounts."""

    def __init__(self, platforms: PlatformPool) -> None:
        self._platforms = platforms

    @activity.defn(name=POST_QUESTIONS.name)
    @failing_well
    @heard
    async def post_questions(self, given: PostQuestions) -> Done:
        """One comment on the issue, as far as there are such things. They can be answered without it."""
        platform = await self._platforms.get(given.repo.platform_id)
        if not {COMMENTS, ISSUES} <= await platform.capabilities():
            return Done()
        try:
            target = Target("issue", given.issue)
            await write_comment(
                platform, given.repo, target, given.body, task_id=given.task_id, key=given.key
            )
        except (Forbidden, NotFound, Unsupported) as error:  # locked, or it came from a file
            return Done((f"the questions do not stand on the issue: {error.message}",))
        return Done()
