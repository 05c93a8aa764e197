"""Pull requests: opened, moved, reviewed, merged."""

from __future__ import annotations

from typing import Literal

from tamma.errors import Conflict, NotFound, PlatformError, StaleHead
from tamma.model.repository import MergeMethod
from tamma.platforms.git import objects as gitdb
from tamma.platforms.git.command import run_git
from tests.support.forge.checks import RepoChecks
from tests.support.forge.things import Mergeability, Merging, Pull, Review, Thread, Verdict


class RepoChanges(RepoChecks):
    """Pull requests (merge requests). While one is open, its head follows its branch."""

    computing: int = 0
    """How many times more mergeability is still being computed when somebody looks."""
    merges_later: int = 0
    """A merge is accepted, and done when the pull request has been read so many times."""

    def pull(self, number: int) -> Pull:
        """As it is now. Raises NotFound."""
        found = self.pulls.get(number)
        if found is None:
            raise NotFound(f"{self.full_name} has no pull request {number}")
        self.settle(found)
        return found

    def list_pulls(self) -> list[Pull]:
        """Newest first."""
        return [self.pull(number) for number in sorted(self.pulls, reverse=True)]

    def open_between(self, head: str, base: str) -> Pull | None:
        found = (pull for pull in self.pulls.values() if pull.state == "open")
        return next((pull for pull in found if (pull.head, pull.base) == (head, base)), None)

    def open_pull(
        self,
        head: str,
        base: str,
        title: str,
        body: str | None = "",
        by: str = "octo",
        *,
        draft: bool = False,
    ) -> Pull:
        """Raises NotFound for a branch, Conflict where one is open, PlatformError where nothing differs."""
        self.allow(by, "write")
        head_sha = gitdb.require_branch(self.git, head)
        base_sha = gitdb.require_branch(self.git, base)
        if self.open_between(head, base) is not None:
            raise Conflict(f"a pull request already exists for {head}")
        if gitdb.is_merged(self.git, base_sha, head_sha):
            raise PlatformError(f"no commits between {base} and {head}")
        now = self.world.now()
        pull = Pull(self.world.new_id(), self.next_number("pull"), title, body, by, now, now)
        pull.head, pull.base, pull.head_sha, pull.base_sha, pull.draft = head, base, head_sha, base_sha, draft
        self.pulls[pull.number] = pull
        self.world.did("pull")
        return pull

    def set_draft(self, pull: Pull, draft: bool, by: str = "octo") -> None:
        self.allow(by, "write")
        if pull.draft != draft:
            pull.draft = draft
            self.touch(pull)
            self.world.did("draft")

    def set_reviewers(self, pull: Pull, logins: list[str], by: str = "octo") -> None:
        """Make these the asked ones. Raises NotFound for one who cannot be, or who opened it."""
        self.allow(by, "write")
        for login in logins:
            if self.level(login) == "none" or login == pull.author:
                raise NotFound(f"{login} cannot be asked for a review")
        if sorted(logins) != sorted(pull.reviewers):
            pull.reviewers = list(logins)
            self.touch(pull)
            self.world.did("reviewer")

    def diff(self, pull: Pull) -> str:
        base = pull.base_sha if pull.merge_sha else self.branch(pull.base) or pull.base_sha
        done = run_git("diff", f"{base}...{pull.head_sha}", cwd=str(self.path))
        return done.stdout.decode(errors="surrogateescape")

    # --- merging ------------------------------------------------------------------------------------------

    def settle(self, pull: Pull) -> None:
        """What happens by itself: the head follows, and what can be merged by now is."""
        if pull.state != "open":
            return
        head = self.branch(pull.head)
        if head is not None and head != pull.head_sha:
            pull.head_sha = head
            self.touch(pull)
        if pull.merging is not None:
            pull.merging.reads -= 1
            if pull.merging.reads < 0:
                self._complete(pull, pull.merging)
        elif pull.auto_merge is not None and self.standing(pull) == "clean":
            self._complete(pull, pull.auto_merge)

    def standing(self, pull: Pull) -> Mergeability:
        """What stands between it and a merge, computed at once."""
        if pull.state == "closed":
            return "merged" if pull.merge_sha else "closed"
        base = gitdb.require_branch(self.git, pull.base)
        if isinstance(gitdb.merge(self.git, base, pull.head_sha, "probe"), gitdb.Conflicting):
            return "conflicts"
        if pull.draft:
            return "draft"
        return self._unmet(pull)

    def mergeability(self, pull: Pull) -> Mergeability:
        """As the platform says it: it may still be computing."""
        if pull.state == "open" and self.computing > 0:
            self.computing -= 1
            return "checking"
        return self.standing(pull)

    def _unmet(self, pull: Pull) -> Mergeability:
        rules = self.protected.get(pull.base)
        if rules is None:
            return "clean"
        found = {status.name: status.state for status in self.statuses_of(pull.head_sha)}
        states = [found.get(name, "pending") for name in rules.checks]
        if "failure" in states:
            return "checks_failed"
        if "pending" in states:
            return "checks_pending"
        if len(self.approvals(pull)) < rules.approvals:
            return "approvals"
        return "blocked" if rules.blocked else "clean"

    def merge(
        self,
        pull: Pull,
        method: MergeMethod = "merge",
        message: str = "",
        by: str = "octo",
        *,
        expected: str | None = None,
        delete_branch: bool = False,
    ) -> str | None:
        """The commit; None where it is done later. Raises StaleHead, and Conflict where it cannot be merged,
        whose message is the `standing`."""
        self.allow(by, "write")
        self.settle(pull)
        standing = self.standing(pull)
        if standing in ("merged", "closed"):
            raise Conflict(standing)
        if expected is not None and expected != pull.head_sha:
            raise StaleHead(f"the head is at {pull.head_sha}, not at {expected}")
        if standing != "clean" and (self.world.acting or standing == "conflicts"):
            raise Conflict(standing)
        merging = Merging(method, message, by, self.merges_later, delete_branch)
        self.world.did("merge")
        if self.merges_later:
            pull.merging = merging
            return None
        return self._complete(pull, merging)

    def set_auto_merge(self, pull: Pull, wanted: Merging | None, by: str = "octo") -> None:
        """Merge it when nothing stands in its way; None takes that back."""
        self.allow(by, "write")
        if (wanted is None) != (pull.auto_merge is None):
            self.world.did("auto_merge")
        pull.auto_merge = wanted
        self.touch(pull)

    def _complete(self, pull: Pull, merging: Merging) -> str:
        pull.merging = pull.auto_merge = None
        git = self.git
        base = gitdb.require_branch(git, pull.base)
        message = merging.message or f"Merge {pull.head} into {pull.base}"
        merged = gitdb.merge(git, base, pull.head_sha, message, merging.method)
        if isinstance(merged, gitdb.Conflicting):
            raise Conflict("conflicts")
        gitdb.move_branch(git, pull.base, base, merged, "merge")
        now = self.touch(pull)
        pull.merge_sha, pull.merged, pull.merged_by, pull.base_sha = merged, now, merging.by, base
        pull.state, pull.closed = "closed", now
        if merging.delete_branch:
            gitdb.delete_branch(git, pull.head, pull.head_sha)
        return merged

    # --- reviews ------------------------------------------------------------------------------------------

    def review(
        self, pull: Pull, verdict: Verdict, body: str = "", by: str = "writer", sha: str | None = None
    ) -> Review:
        """Submit one. Raises PlatformError for a verdict on one's own pull request."""
        self.allow(by, "read")
        if by == pull.author and verdict != "comment":
            raise PlatformError(f"{by} cannot {verdict} their own pull request")
        made = Review(self.world.new_id(), by, verdict, body, sha or pull.head_sha, self.world.now())
        pull.reviews.append(made)
        if by in pull.reviewers:
            pull.reviewers.remove(by)
        self.touch(pull)
        self.world.did("review")
        return made

    def approvals(self, pull: Pull) -> list[str]:
        """Who approves it, by their last word."""
        last = {review.author: review.verdict for review in pull.reviews if review.verdict != "comment"}
        return [login for login, verdict in last.items() if verdict == "approve"]

    def remark(
        self,
        pull: Pull,
        path: str,
        line: int,
        body: str,
        by: str = "writer",
        *,
        side: Literal["new", "old"] = "new",
        start_line: int | None = None,
        review: Review | None = None,
    ) -> Thread:
        """A comment on a line, which opens a thread. Raises PlatformError for a file it leaves alone."""
        self.allow(by, "read")
        if path not in self.changed_files(pull):
            raise PlatformError(f"the change does not touch {path!r}")
        comment = self.new_comment(body, by)
        thread = Thread(
            self.world.new_id(), path, line, start_line, side, pull.head_sha, [comment], review and review.id
        )
        pull.threads.append(thread)
        self.touch(pull)
        self.world.did("remark")
        return thread

    def changed_files(self, pull: Pull) -> list[str]:
        base = pull.base_sha if pull.merge_sha else self.branch(pull.base) or pull.base_sha
        done = run_git("diff", "--name-only", "-z", f"{base}...{pull.head_sha}", cwd=str(self.path))
        return [name for name in done.stdout.decode(errors="surrogateescape").split("\0") if name]

    def outdated(self, pull: Pull, thread: Thread) -> bool:
        return thread.sha != pull.head_sha

    def thread(self, pull: Pull, number: int) -> Thread:
        """By its id, or that of any comment in it. Raises NotFound."""
        for thread in pull.threads:
            if number == thread.id or any(comment.id == number for comment in thread.comments):
                return thread
        raise NotFound(f"#{pull.number} of {self.full_name} has no thread {number}")

    def reply(self, pull: Pull, thread: Thread, body: str, by: str = "writer") -> int:
        """The comment's id."""
        self.allow(by, "read")
        comment = self.new_comment(body, by)
        thread.comments.append(comment)
        self.touch(pull)
        self.world.did("reply")
        return comment.id

    def resolve(self, pull: Pull, thread: Thread, resolved: bool = True, by: str = "writer") -> None:
        self.allow(by, "write")
        if thread.resolved != resolved:
            thread.resolved, thread.resolved_by = resolved, by if resolved else ""
            self.touch(pull)
            self.world.did("resolve")
