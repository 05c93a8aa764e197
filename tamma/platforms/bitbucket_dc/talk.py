"""What is said about a pull request: its conversation and the threads on its lines.

There is no list of all comments; they are read from the activities of the pull request.
"""

from __future__ import annotations

from tamma.errors import PlatformError, Unsupported
from tamma.model.repository import Comment, RepoRef, Target
from tamma.platforms.bitbucket_dc.builds import BitbucketBuilds
from tamma.platforms.bitbucket_dc.client import repo_path
from tamma.platforms.bitbucket_dc.errors import OUT_OF_DATE, names
from tamma.platforms.bitbucket_dc.remarks import Activity, CommentAnswer
from tamma.platforms.common.bodies import fit
from tamma.platforms.common.marks import footer_line, without_mark
from tamma.platforms.common.names import number_of
from tamma.platforms.interface import ISSUES

TEXT_LIMIT = 32_768
"""Characters of a comment and of a description, as Java counts them."""
NO_ISSUES = (
    'Bitbucket Data Center has no issues: name the account of your Jira, "issues": {"platform": "jira", '
    '"project": "KEY"} in the entry of this one'
)
REVIEW = "review"
"""What the mark of a review's text begins with; see `reviews`."""


class BitbucketTalk(BitbucketBuilds):
    """The part of the adapter that reads and writes comments."""

    async def list_comments(self, repo: RepoRef, target: Target) -> tuple[Comment, ...]:
        """With answers. Texts of our reviews are left out: `list_reviews` has them."""
        login = await self._login()
        said = [
            comment
            for comment in await self._conversation(repo, self._pull_number(target))
            if not (comment.mark(login) or "").startswith(REVIEW)
        ]
        return tuple([await self._shown(repo, comment) for comment in said])

    async def ensure_comment(
        self, repo: RepoRef, target: Target, body: str, op_id: str, link: str = ""
    ) -> Comment:
        number = self._pull_number(target)
        text = marked(body, op_id, link)
        found = await self._ours(await self._conversation(repo, number), op_id)
        if found is None:
            return (await self._say(repo, number, {"text": text})).comment(trusted=True)
        return (await self._edit(repo, number, found, text)).comment(trusted=True)

    # --- reading -------------------------------------------------------------------------------------

    def _pull_number(self, target: Target) -> str:
        if target.kind == "issue":
            raise Unsupported(ISSUES, platform=self._settings.type, hint=NO_ISSUES)
        return number_of(target.number)

    async def _activities(self, repo: RepoRef, number: str) -> list[Activity]:
        """Oldest first."""
        path = repo_path(repo, f"/pull-requests/{number_of(number)}/activities")
        return (await self._all(Activity, path))[::-1]

    async def _conversation(self, repo: RepoRef, number: str) -> list[CommentAnswer]:
        """All that is on no line, oldest first."""
        found = [
            comment
            for root in roots(await self._activities(repo, number))
            if root.anchor is None and root.comment is not None
            for comment in root.comment.flat()
        ]
        return sorted(found, key=lambda comment: comment.id)

    async def _ours(self, comments: list[CommentAnswer], op_id: str) -> CommentAnswer | None:
        login = await self._login()
        return next((comment for comment in comments if comment.mark(login) == op_id), None)

    async def _shown(self, repo: RepoRef, comment: CommentAnswer) -> Comment:
        return comment.comment(trusted=await self._trusts(repo, comment.author.name))

    async def _trusts(self, repo: RepoRef, author: str) -> bool:
        """Our own words are ours, whatever the token may ask."""
        return author.lower() == (await self._login()).lower() or await self._trust.may_write(repo, author)

    # --- writing -------------------------------------------------------------------------------------

    async def _say(self, repo: RepoRef, number: str, body: dict[str, object]) -> CommentAnswer:
        path = repo_path(repo, f"/pull-requests/{number}/comments")
        return await self._api.send(CommentAnswer, "POST", path, body)

    async def _edit(self, repo: RepoRef, number: str, comment: CommentAnswer, text: str) -> CommentAnswer:
        if same(comment.text, text):
            return comment
        return await self._change(repo, number, comment, {"text": text})

    async def _change(
        self, repo: RepoRef, number: str, comment: CommentAnswer, wanted: dict[str, object]
    ) -> CommentAnswer:
        path = repo_path(repo, f"/pull-requests/{number}/comments/{comment.id}")
        try:
            return await self._api.send(CommentAnswer, "PUT", path, {**wanted, "version": comment.version})
        except PlatformError as error:
            if names(error, *OUT_OF_DATE):
                raise self._overtaken(f"comment {comment.id} on #{number}") from error
            raise


def marked(body: str, op_id: str, link: str = "") -> str:
    """With our mark as a footer: Bitbucket shows HTML comments as text."""
    return fit(body, TEXT_LIMIT, mark=footer_line(op_id), link=link, unit="utf16")


def same(there: str | None, wanted: str) -> bool:
    """Whether two texts say the same, marks and line ends aside."""
    return _plain(there) == _plain(wanted)


def _plain(text: str | None) -> str:
    return without_mark(text).replace("\r\n", "\n").strip()


def roots(activities: list[Activity]) -> list[Activity]:
    """The activities that opened a conversation. An answer is an activity too, and inside of its root."""
    inside = {
        answer.id
        for activity in activities
        if activity.comment is not None
        for answer in activity.comment.flat()[1:]
    }
    found: dict[int, Activity] = {}
    for activity in activities:
        comment = activity.comment
        opens = activity.action == "COMMENTED" and activity.comment_action in ("", "ADDED")
        if opens and comment is not None and comment.id not in inside:
            found.setdefault(comment.id, activity)
    return list(found.values())
