"""What Bitbucket Cloud's routes share: which repository or pull request is meant, pages, and shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from tamma.errors import NotFound
from tests.support.forge.calls import ApiError, Call, Reply, Routes, paged
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.things import Pull

ROUTES = Routes()
BASE = "/2.0"
R = "/repositories/{workspace}/{repo_slug}"
PR = f"{R}/pullrequests/{{pull_request_id}}"
STRATEGIES = {"merge_commit": "merge", "squash": "squash", "rebase_fast_forward": "rebase"}
ACCESS_TOKEN = "access token"
"""In `forbidden`: the bot's credentials are an access token's, which may not ask who it is."""
NO_ACCOUNT_SCOPE = "no account scope"
"""In `forbidden`: the bot's credentials are its account's, without the scope to ask who that is."""
PLAIN_FILES = "plain files"
"""In `forbidden`: the mode of files is passed over."""
SLOW = "slow"
"""In `forbidden`: pull requests do not know of the last push yet."""
PIPELINES = "pipelines"
"""In `forbidden`: the token lacks the scope for them."""
_CUT = 12
"""Digits of a commit's hash inside of pull requests."""


def repo_of(call: Call) -> Repo:
    """404 where it is unknown; 301 to where it is now."""
    owner, name = call.at["workspace"], call.at["repo_slug"]
    found = call.world.find(owner, name)
    if found is not None:
        return found
    moved = call.world.moved.get((owner, name))
    if moved is None:
        raise ApiError(404, f"Repository {owner}/{name} not found")
    here = call.request.path.replace(f"/{owner}/{name}", f"/{moved.full_name}", 1)
    query = "&".join(f"{quote(key)}={quote(value)}" for key, value in call.request.query)
    raise ApiError(301, "Moved", Location=f"{call.world.url}{here}" + (f"?{query}" if query else ""))


def pull_of(call: Call, repo: Repo) -> Pull:
    return repo.pull(call.number("pull_request_id"))


def page_of(
    call: Call, items: Sequence[Any], shape: Callable[[Any], Json], *, most: int = 100, following: bool = True
) -> Reply:
    """The page that was asked for. `following`: whether the list names its next page."""
    if int(call.query.get("pagelen", 10)) > most:
        raise ApiError(400, "Invalid pagelen")
    page = paged(call, items, size="pagelen", default=10, most=most)
    body: Json = {"values": [shape(item) for item in page.items], "pagelen": page.size, "page": page.page}
    body["size"] = page.total
    if page.more and following:
        query = [(key, value) for key, value in call.request.query if key != "page"]
        said = "&".join(f"{quote(key)}={quote(value, safe='')}" for key, value in query)
        body["next"] = f"{call.url}?{said}&page={page.page + 1}"
    return Reply(200, body)


def date(value: datetime | None) -> str | None:
    return None if value is None else value.strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")


def uuid_of(number: int) -> str:
    return f"{{00000000-0000-4000-8000-{number:012d}}}"


def number_in(uuid: str) -> int:
    """Of which thing that is the uuid; 0 where it is none."""
    digits = uuid.strip("{}").removeprefix("00000000-0000-4000-8000-")
    return int(digits) if digits.isdigit() and uuid.startswith("{") else 0


def lacks_scope(scope: str) -> ApiError:
    """As Bitbucket says it: which scopes are needed, and which the token has."""
    details = {"required": [scope], "granted": ["repository"]}
    return ApiError(403, "Your credentials lack one or more required privilege scopes.", details)


def found_in(call: Call, name: str) -> int:
    """The number in a uuid of the path. 404 where it is none."""
    return number_in(call.at[name]) or _nothing(call.at[name])


def _nothing(what: str) -> int:
    raise NotFound(f"there is no {what}")


# --- shapes -----------------------------------------------------------------------------------------------


def user(call: Call, login: str) -> Json:
    account = call.world.account(login)
    nobody = login == call.world.bot and ACCESS_TOKEN in call.world.hello.forbidden
    return {
        "type": "app_user" if nobody else "user",
        "uuid": uuid_of(account.id),
        "account_id": f"557058:{account.id}",
        "nickname": login,
        "display_name": account.name,
    }


def login_of(call: Call, reference: Json) -> str:
    """Whom a reference (`{"uuid": …}`) means; empty: nobody."""
    number = number_in(str(reference.get("uuid", "")))
    return next((account.login for account in call.world.accounts.values() if account.id == number), "")


def repository_json(call: Call, repo: Repo) -> Json:
    where = f"127.0.0.1/{repo.full_name}"
    clone = [
        {"name": "https", "href": f"https://{call.login}@{where}.git"},
        {"name": "ssh", "href": f"git@127.0.0.1:{repo.full_name}.git"},
    ]
    return {
        "type": "repository",
        "uuid": uuid_of(repo.id),
        "full_name": repo.full_name,
        "name": repo.name,
        "is_private": repo.private,
        "scm": "git",
        "mainbranch": None if repo.empty else {"type": "branch", "name": repo.default_branch},
        "links": {"html": {"href": f"https://{where}"}, "clone": clone},
    }


def _endpoint(repo: Repo, branch: str, sha: str, strategies: Iterable[str] = ()) -> Json:
    return {
        "branch": {"name": branch, "merge_strategies": list(strategies)},
        "commit": {"hash": sha[:_CUT]},
        "repository": {"type": "repository", "full_name": repo.full_name},
    }


_WORDS = {"approve": "approved", "request_changes": "changes_requested"}


def participants(call: Call, pull: Pull) -> list[Json]:
    """Everybody with their last verdict."""
    last: dict[str, Json] = {}
    for review in pull.reviews:
        if review.verdict != "comment":
            last[review.author] = {
                "state": _WORDS[review.verdict],
                "participated_on": date(review.submitted),
            }
    return [
        {
            "type": "participant",
            "user": user(call, login),
            "role": "REVIEWER" if login in pull.reviewers else "PARTICIPANT",
            "approved": said["state"] == "approved",
            **said,
        }
        for login, said in last.items()
    ]


def pull_json(call: Call, repo: Repo, pull: Pull, *, single: bool = True) -> Json:
    """`single`: as it is given alone; lists leave out who was asked to review, unless they are told."""
    merged = pull.merge_sha is not None
    known = repo.commit_of(pull.head_sha)
    if SLOW in repo.forbidden:
        known = known.parents[0]
    allowed: list[str] = pull.extra.get("strategies", [*STRATEGIES])
    values: Json = {
        "type": "pullrequest",
        "id": pull.number,
        "title": pull.title,
        "description": pull.body,
        "summary": {"raw": pull.body or "", "markup": "markdown"},
        "state": "OPEN" if pull.state == "open" else "MERGED" if merged else "DECLINED",
        "author": user(call, pull.author),
        "source": _endpoint(repo, pull.head, str(known.id)),
        "destination": _endpoint(repo, pull.base, repo.branch(pull.base) or pull.base_sha, allowed),
        "merge_commit": {"hash": pull.merge_sha[:_CUT]} if pull.merge_sha else None,
        "created_on": date(pull.created),
        "updated_on": date(pull.updated),
        "draft": pull.draft,
        "links": {"html": {"href": f"https://127.0.0.1/{repo.full_name}/pull-requests/{pull.number}"}},
    }
    if single or "reviewers" in call.query.get("fields", ""):
        values["reviewers"] = [user(call, login) for login in pull.reviewers]
    if single:
        values["participants"] = participants(call, pull)
        values["mergeable"] = repo.standing(pull) == "clean"
    return values
