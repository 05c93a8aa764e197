"""Pull requests."""

from __future__ import annotations

from tamma.errors import Conflict, PlatformError, StaleHead
from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.github.common import (
    ROUTES,
    R,
    limited_text,
    page_of,
    pull_json,
    pull_of,
    repo_of,
)
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
    title, body = limited_text(call.body["title"], "title", 256), call.body.get("body")
    limited_text(body or "", "body")
    draft = bool(call.body.get("draft"))
    if draft and "drafts" in repo.forbidden:
        raise ApiError(422, "Draft pull requests are not supported in this repository.")
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
    if call.request.headers.get("accept") == "application/vnd.github.diff":
        diff = repo.diff(pull_of(call, repo))
        if diff.count("\n") > 20_000:
            message = "Sorry, the diff exceeded the maximum number of lines (20000)"
            problem = {"resource": "PullRequest", "field": "diff", "code": "too_large"}
            raise ApiError(406, message, [problem])
        return Reply(200, diff, media="application/vnd.github.diff; charset=utf-8")
    return Reply(200, pull_json(call, repo, pull_of(call, repo)))


@ROUTES(f"PATCH {R}/pulls/{{pull_number}}")
def update_pull(call: Call) -> Reply:
    repo = repo_of(call)
    pull = pull_of(call, repo)
    limited_text(call.body.get("title", ""), "title", 256)
    limited_text(call.body.get("body", ""), "body")
    repo.edit(pull, call.body.get("title"), call.body.get("body"), call.login)
    repo.set_state(pull, call.body.get("state", pull.state), call.login)
    return Reply(200, pull_json(call, repo, pull))


@ROUTES(f"PUT {R}/pulls/{{pull_number}}/merge")
def merge_pull(call: Call) -> Reply:
    """GitHub merges at once, whatever another platform does."""
    repo = repo_of(call)
    pull = pull_of(call, repo)
    if pull.extra.pop("base_modified", False):
        raise ApiError(405, "Base branch was modified. Review and try the merge again.")
    message = "\n\n".join(filter(None, (call.body.get("commit_title"), call.body.get("commit_message"))))
    method, expected = call.body.get("merge_method", "merge"), call.body.get("sha")
    repo.merges_later = 0
    try:
        merged = repo.merge(pull, method, message, call.login, expected=expected)
    except StaleHead as error:
        raise ApiError(409, "Head branch was modified. Review and try the merge again.") from error
    except Conflict as error:
        raise ApiError(405, _REASONS.get(error.message, "Pull Request is not mergeable")) from error
    return Reply(200, {"sha": merged, "merged": True, "message": "Pull Request successfully merged"})


_REASONS = {
    "draft": "Pull Request is still a draft",
    "checks_pending": "Required status check is expected.",
    "checks_failed": "Required status check is failing.",
    "approvals": "At least 1 approving review is required by reviewers with write access.",
}
"""By the world's word for what stands in the way."""
