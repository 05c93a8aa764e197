"""Pull requests."""

from __future__ import annotations

from tamma.errors import Conflict, PlatformError, StaleHead
from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.github.common import ROUTES, R, page_of, pull_json, pull_of, repo_of
from tests.support.forge.things import Pull


@ROUTES(f"GET {R}/pulls")
def list_pulls(call: Call) -> Reply:
    repo = repo_of(call)
    found = [pull for pull in repo.list_pulls() if _wanted(call.query, pull, repo.owner)]
    if call.query.get("direction") == "asc":
        found.reverse()
    return Reply(200, [pull_json(call, repo, pull, "pull-request-simple") for pull in page_of(call, found)])


def _wanted(query: dict[str, str], pull: Pull, owner: str) -> bool:
    head = f"{owner}:{pull.head}"
    return (
        query.get("state", "open") in ("all", pull.state)
        and query.get("head", head) == head
        and query.get("base", pull.base) == pull.base
    )


@ROUTES(f"POST {R}/pulls")
def create_pull(call: Call) -> Reply:
    repo, head, base = repo_of(call), call.body["head"], call.body["base"]
    for side, name in (("head", head), ("base", base)):
        if repo.branch(name) is None:
            raise _invalid({"code": "invalid", "field": side})
    title, body, draft = call.body["title"], call.body.get("body"), bool(call.body.get("draft"))
    try:
        pull = repo.open_pull(head, base, title, body, call.login, draft=draft)
    except Conflict as error:
        message = f"A pull request already exists for {repo.owner}:{head}."
        raise _invalid({"code": "custom", "message": message}) from error
    except PlatformError as error:
        if type(error) is not PlatformError:
            raise
        message = f"No commits between {base} and {head}"
        raise _invalid({"code": "custom", "message": message}) from error
    return Reply(201, pull_json(call, repo, pull))


def _invalid(problem: dict[str, str]) -> ApiError:
    return ApiError(422, "Validation Failed", [{"resource": "PullRequest", **problem}])


@ROUTES(f"GET {R}/pulls/{{pull_number}}")
def get_pull(call: Call) -> Reply:
    repo = repo_of(call)
    return Reply(200, pull_json(call, repo, pull_of(call, repo)))


@ROUTES(f"PATCH {R}/pulls/{{pull_number}}")
def update_pull(call: Call) -> Reply:
    repo = repo_of(call)
    pull = pull_of(call, repo)
    repo.edit(pull, call.body.get("title"), call.body.get("body"), call.login)
    repo.set_state(pull, call.body.get("state", pull.state), call.login)
    return Reply(200, pull_json(call, repo, pull))


@ROUTES(f"PUT {R}/pulls/{{pull_number}}/merge")
def merge_pull(call: Call) -> Reply:
    repo = repo_of(call)
    pull = pull_of(call, repo)
    message = "\n\n".join(filter(None, (call.body.get("commit_title"), call.body.get("commit_message"))))
    method, expected = call.body.get("merge_method", "merge"), call.body.get("sha")
    try:
        merged = repo.merge(pull, method, message, call.login, expected=expected)
    except StaleHead as error:
        raise ApiError(409, "Head branch was modified. Review and try the merge again.") from error
    except Conflict as error:
        raise ApiError(405, "Pull Request is not mergeable") from error
    return Reply(200, {"sha": merged, "merged": True, "message": "Pull Request successfully merged"})
