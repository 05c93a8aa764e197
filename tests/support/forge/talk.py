"""Issues, and what is said about them and about pull requests."""

from __future__ import annotations

from tamma.errors import NotFound
from tests.support.forge.base import RepoBase
from tests.support.forge.things import Comment, Issue, Item, Label, Pull


class RepoTalk(RepoBase):
    """Issues, comments, labels, assignees."""

    issues: dict[int, Issue]
    pulls: dict[int, Pull]
    _last: dict[str, int]

    def next_number(self, kind: str) -> int:
        key = "" if self.world.shared_numbers else kind
        self._last[key] = self._last.get(key, 0) + 1
        return self._last[key]

    def item(self, number: int) -> Item:
        """The issue or, where they share their numbers, the pull request. Raises NotFound."""
        found = self.issues.get(number) or self.pulls.get(number)
        if found is None:
            raise NotFound(f"{self.full_name} has no issue {number}")
        return found

    def issue(self, number: int) -> Issue:
        """Raises NotFound."""
        found = self.issues.get(number)
        if found is None:
            raise NotFound(f"{self.full_name} has no issue {number}")
        return found

    def add_issue(
        self, title: str, body: str | None = None, by: str = "octo", labels: tuple[str, ...] = ()
    ) -> Issue:
        now = self.world.now()
        issue = Issue(self.world.new_id(), self.next_number("issue"), title, body, by, now, now)
        self.issues[issue.number] = issue
        for name in labels:
            self.add_label(issue, name)
        self.world.did("issue")
        return issue

    def add_issues(self, count: int, title: str = "A bug", body: str = "It fails") -> list[Issue]:
        return [self.add_issue(title, body) for _ in range(count)]

    def edit(self, item: Item, title: str | None = None, body: str | None = None, by: str = "octo") -> None:
        """Title and body, where given and different."""
        self.allow(by, "write")
        new = (item.title if title is None else title, item.body if body is None else body)
        if new != (item.title, item.body):
            item.title, item.body = new
            self.touch(item)
            self.world.did("pull_edited" if isinstance(item, Pull) else "issue_edited")

    def set_state(self, item: Item, state: str, by: str = "octo") -> None:
        self.allow(by, "write")
        if state == item.state:
            return
        item.state = "closed" if state == "closed" else "open"
        now = self.touch(item)
        item.closed = now if state == "closed" else None
        self.world.did("pull_state" if isinstance(item, Pull) else "issue_state")

    def close(self, item: Item, by: str = "octo") -> None:
        self.set_state(item, "closed", by)

    # --- comments -----------------------------------------------------------------------------------------

    def comment(self, item: Item, body: str, by: str = "octo") -> Comment:
        self.allow(by, "read")
        comment = self.new_comment(body, by)
        item.comments.append(comment)
        self.touch(item)
        self.world.did("comment")
        return comment

    def new_comment(self, body: str, by: str) -> Comment:
        now = self.world.now()
        return Comment(self.world.new_id(), by, body, now, now)

    def edit_comment(self, comment: Comment, body: str) -> None:
        if body != comment.body:
            comment.body, comment.updated = body, self.world.now()
            self.world.did("comment_edited")

    def find_comment(self, number: int) -> tuple[Item, Comment]:
        """By its id, of the conversation of an issue or a pull request. Raises NotFound."""
        for item in (*self.issues.values(), *self.pulls.values()):
            for comment in item.comments:
                if comment.id == number:
                    return item, comment
        raise NotFound(f"{self.full_name} has no comment {number}")

    # --- labels and assignees -----------------------------------------------------------------------------

    def make_label(self, name: str, color: str = "ededed", by: str = "octo") -> Label:
        """The label that an item can be given; the one that is there, whatever its case."""
        found = self.find_label(name)
        if found is None:
            self.allow(by, "write")
            found = self.labels[name] = Label(self.world.new_id(), name, color)
            self.world.did("label_made")
        return found

    def find_label(self, name: str) -> Label | None:
        return next((label for label in self.labels.values() if label.name.lower() == name.lower()), None)

    def add_label(self, item: Item, name: str, by: str = "octo") -> None:
        """Labels that do not exist are made."""
        self.allow(by, "write")
        label = self.find_label(name)
        if label is None:
            label = self.labels[name] = Label(self.world.new_id(), name)
        if label.name not in item.labels:
            item.labels.append(label.name)
            self.touch(item)
            self.world.did("label")

    def remove_label(self, item: Item, name: str, by: str = "octo") -> bool:
        """False where it has none of that name."""
        self.allow(by, "write")
        found = next((label for label in item.labels if label.lower() == name.lower()), None)
        if found is not None:
            item.labels.remove(found)
            self.touch(item)
            self.world.did("unlabel")
        return found is not None

    def assignable(self, login: str) -> bool:
        return self.level(login) != "none"

    def assign(self, item: Item, logins: list[str], by: str = "octo") -> None:
        """Make these the assignees. Raises NotFound for one who cannot be."""
        self.allow(by, "write")
        for login in logins:
            if not self.assignable(login):
                raise NotFound(f"{login} cannot be assigned")
        if sorted(logins) != sorted(item.assignees):
            item.assignees = list(logins)
            self.touch(item)
            self.world.did("assign")
