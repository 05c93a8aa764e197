"""Issues, comments, labels, assignees, and closing by transitions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from tamma.errors import Conflict, Forbidden, NotFound, PlatformError, Unsupported
from tamma.model.repository import Comment, Issue, IssueFilter, Page, RepoRef, Target
from tamma.platforms.common.bodies import fit, measure
from tamma.platforms.common.differences import difference
from tamma.platforms.common.marks import footer_line, mark_of, without_mark
from tamma.platforms.http.connection import cursor_of, from_cursor
from tamma.platforms.http.messages import Query
from tamma.platforms.interface import PULL_REQUESTS
from tamma.platforms.jira.client import PAGE_SIZE, JiraAccount, issue_key, key_of, whole
from tamma.platforms.jira.models import CommentAnswer, IssueAnswer, Transition, User
from tamma.platforms.jira.searching import counted, jql, label_of, searched

TEXT_LIMIT = 30_000
"""Characters of Markdown."""
_TAKEN = 32_767
"""What Jira takes, of what becomes of these (jira.text.field.character.limit)."""
_FIELDS = "summary,description,status,creator,assignee,labels,created,updated"
_CLOSING = ("done", "closed", "resolved")
"""Names of statuses in which we close rather than in another one that counts as done, such as Won't Do."""


class JiraIssues(JiraAccount):
    """The tracker's part of the adapter."""

    async def list_issues(self, repo: RepoRef, query: IssueFilter, cursor: str | None = None) -> Page[Issue]:
        if cursor is None:
            asked: Query = {
                "jql": jql(key_of(repo), query, datetime.now(UTC)),
                "fields": _FIELDS,
                "maxResults": str(PAGE_SIZE),
            }
        else:
            asked = from_cursor(cursor)
        path = await self._path("/search/jql" if await self._is_cloud() else "/search")
        found, following = await self._api.page(IssueAnswer, path, asked, searched, "issues")
        shown = [await self._shown(answer) for answer in found]
        since = query.updated_since
        # JQL counts in whole minutes.
        kept = [one for one in shown if since is None or one.updated_at is None or one.updated_at >= since]
        return Page(tuple(kept), cursor_of(following))

    async def get_issue(self, repo: RepoRef, number: str) -> Issue:
        answer = await self._issue(number)
        comments = await self.list_comments(repo, Target("issue", answer.key))
        return await self._shown(answer, comments)

    async def list_comments(self, repo: RepoRef, target: Target) -> tuple[Comment, ...]:
        """Oldest first. A comment is trusted where its author may edit issues of the project now."""
        found: list[Comment] = []
        for answer in await self._comments(target):
            text = await self._read(answer.body)
            trusted = await self._trusts(repo, answer.by)
            found.append(Comment(answer.id, answer.by, without_mark(text), answer.created, trusted))
        return tuple(found)

    async def ensure_comment(
        self, repo: RepoRef, target: Target, body: str, op_id: str, link: str = ""
    ) -> Comment:
        written = await self._fitted(body, footer_line(op_id), link)
        login = (await self._me()).login
        path = await self._path(f"/issue/{self._key(target)}/comment")
        existing = await self._comment_of(target, op_id, login)
        if existing is None:
            existing = await self._api.send(CommentAnswer, "POST", path, {"body": written})
        elif await self._read(existing.body) != await self._read(written):
            existing = await self._api.send(CommentAnswer, "PUT", f"{path}/{existing.id}", {"body": written})
        said = without_mark(await self._read(existing.body))
        return Comment(existing.id, existing.by or login, said, existing.created, trusted=True)

    async def set_labels(
        self, repo: RepoRef, target: Target, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        """In one edit. Jira's labels have no spaces: a hyphen stands for each."""
        key = self._key(target)
        there = (await self._issue(key)).fields.labels
        change = difference(there, map(label_of, add), map(label_of, remove), fold=str)
        more = [{"add": label} for label in change.missing]
        fewer = [{"remove": label} for label in change.gone]
        if change:
            path = await self._path(f"/issue/{key}")
            await self._api.do("PUT", path, {"update": {"labels": [*more, *fewer]}})

    async def set_assignees(
        self, repo: RepoRef, number: str, add: tuple[str, ...], remove: tuple[str, ...] = ()
    ) -> None:
        """An issue has one. Raises Conflict for a second one: nobody is replaced who was not taken away."""
        key = issue_key(number)
        now = (await self._issue(key)).fields.assignee
        wanted = [await self._assignable(key, login) for login in dict.fromkeys(add)]
        logins = {user.login for user in wanted}
        stays = now is not None and (now.login in logins or not any(map(now.is_called, remove)))
        keeps = {now.login} if now is not None and stays else set[str]()
        if len(keeps | logins) > 1:
            raise Conflict(
                f"{key} can have one assignee alone, not {', '.join(sorted(keeps | logins))}",
                hint="take the assignee away first, or leave the issue to them",
                platform=self._settings.id,
            )
        if (keeps | logins) == ({now.login} if now is not None else set()):
            return
        name = "accountId" if await self._is_cloud() else "name"
        login = next(iter(logins), None)
        await self._api.do("PUT", await self._path(f"/issue/{key}/assignee"), {name: login})

    async def close_issue(self, repo: RepoRef, number: str) -> None:
        """Bring it into a status that counts as done."""
        await self._move(issue_key(number), closed=True)

    async def reopen_issue(self, repo: RepoRef, number: str) -> None:
        """Bring it into one that does not."""
        await self._move(issue_key(number), closed=False)

    async def _move(self, key: str, *, closed: bool) -> None:
        answer = await self._issue(key)
        if (answer.fields.status.state == "closed") == closed:
            return
        path = await self._path(f"/issue/{key}/transitions")
        offered = await self._api.every(Transition, path, {}, whole, "transitions")
        option = self._settings.options.get("closeStatus" if closed else "reopenStatus")
        chosen = transition_for(offered, closed=closed, wanted=option if isinstance(option, str) else "")
        if chosen is None:
            names = ", ".join(f"{each.name!r} to {each.to.name!r}" for each in offered) or "none"
            raise Forbidden(
                f"no transition {'closes' if closed else 'reopens'} {key} from {answer.fields.status.name!r}",
                hint=f"the workflow offers: {names}; "
                'name a status by "closeStatus" or "reopenStatus" in the options, or have a person move it',
                platform=self._settings.id,
            )
        try:
            await self._api.do("POST", path, {"transition": {"id": chosen.id}})
        except PlatformError as error:
            # Somebody else moved it between our look and our write: then the transition is gone.
            if error.status not in (400, 409):
                raise
            if ((await self._issue(key)).fields.status.state == "closed") != closed:
                raise

    # --- looking -------------------------------------------------------------------------------------

    def _key(self, target: Target) -> str:
        if target.kind != "issue":
            raise Unsupported(
                PULL_REQUESTS, platform=self._settings.type, hint="pull requests are on the forge: ask that"
            )
        return issue_key(target.number)

    async def _fitted(self, body: str, mark: str, link: str) -> object:
        """As the server takes it. Wiki text is longer where much has to be escaped: twice as long at most."""
        written = await self._written(fit(body, TEXT_LIMIT, mark=mark, link=link, unit="utf16"))
        if isinstance(written, str) and measure(written, "utf16") > _TAKEN:
            written = await self._written(fit(body, TEXT_LIMIT // 2, mark=mark, link=link, unit="utf16"))
        return written

    async def _issue(self, number: str) -> IssueAnswer:
        path = await self._path(f"/issue/{issue_key(number)}")
        return await self._api.get(IssueAnswer, path, {"fields": _FIELDS})

    async def _shown(self, answer: IssueAnswer, comments: tuple[Comment, ...] = ()) -> Issue:
        fields = answer.fields
        return Issue(
            number=answer.key,
            title=fields.summary,
            body=without_mark(await self._read(fields.description)),
            state=fields.status.state,
            url=await self._url(answer.key),
            author=fields.creator.login if fields.creator else "",
            labels=tuple(fields.labels),
            assignees=(fields.assignee.login,) if fields.assignee else (),
            created_at=fields.created,
            updated_at=fields.updated,
            comments=comments,
        )

    async def _comments(self, target: Target) -> list[CommentAnswer]:
        path = await self._path(f"/issue/{self._key(target)}/comment")
        query = {"orderBy": "created", "maxResults": str(PAGE_SIZE)}
        return await self._api.every(CommentAnswer, path, query, counted("comments"), "comments")

    async def _comment_of(self, target: Target, op_id: str, login: str) -> CommentAnswer | None:
        """Our comment of that operation. Anybody can copy a mark into a comment: only our own counts."""
        for answer in await self._comments(target):
            if answer.by == login and mark_of(await self._read(answer.body)) == op_id:
                return answer
        return None

    async def _assignable(self, key: str, login: str) -> User:
        """By account id or name, e-mail address or the name that is shown. Raises NotFound."""
        path, cloud = await self._path("/user/assignable/search"), await self._is_cloud()
        for name in ("accountId", "query") if cloud else ("username",):
            query = {"issueKey": key, name: login, "maxResults": str(PAGE_SIZE)}
            found, _ = await self._api.page(User, path, query, whole)
            fitting = [user for user in found if user.is_called(login)]
            if len(fitting) == 1:
                return fitting[0]
        raise NotFound(
            f"{login!r} cannot be assigned to {key}, or several people are called so",
            hint="give the account's id (Cloud) or name (Data Center), of somebody with the permission "
            "Assignable User",
            platform=self._settings.id,
            status=404,
        )


def transition_for(offered: Sequence[Transition], *, closed: bool, wanted: str = "") -> Transition | None:
    """The one to take: to the status that is configured; else by category, known names first; else by id."""
    state = "closed" if closed else "open"
    fitting = [each for each in offered if each.to.state == state]
    if wanted:
        fitting = [each for each in fitting if each.to.name.lower() == wanted.lower()]

    def order(each: Transition) -> tuple[int, int, str]:
        name = each.to.name.lower()
        if closed:
            first = _CLOSING.index(name) if name in _CLOSING else len(_CLOSING)
        else:
            first = 0 if each.to.category.key == "new" else 1
        return first, int(each.id) if each.id.isdigit() else 0, each.id

    return min(fitting, key=order, default=None)
