"""Check runs and commit statuses."""

from __future__ import annotations

from tamma.errors import NotFound
from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.github.common import ROUTES, R, limited_text, page_of, repo_of, user
from tests.support.forge.repository import Repo


def _require(repo: Repo, sha: str) -> None:
    try:
        repo.commit_of(sha)
    except NotFound as error:
        raise ApiError(422, f"No commit found for SHA: {sha}") from error


@ROUTES(f"POST {R}/statuses/{{sha}}")
def create_status(call: Call) -> Reply:
    repo, sha, given = repo_of(call), call.at["sha"], call.body
    _require(repo, sha)
    description = limited_text(given.get("description") or "", "description", 140)
    context, url = given.get("context", "default"), given.get("target_url") or ""
    made = repo.set_status(sha, context, given["state"], description, url, call.login)
    values = {"id": made.id, "state": made.state, "context": context, "description": description}
    return Reply(
        201, call.api.fill("status", {**values, "target_url": url, "creator": user(call, call.login)})
    )


@ROUTES(f"GET {R}/commits/{{ref}}/check-runs")
def list_check_runs(call: Call) -> Reply:
    repo, sha = repo_of(call), call.at["ref"]
    _require(repo, sha)
    if "checks" in repo.forbidden:
        raise ApiError(403, "Resource not accessible by personal access token")
    found = repo.statuses_of(sha, "check")
    shown = [
        call.api.fill(
            "check-run",
            {
                "id": check.id,
                "head_sha": sha,
                "name": check.name,
                "status": "in_progress" if check.state == "pending" else "completed",
                "conclusion": None if check.state == "pending" else check.native or check.state,
            },
        )
        for check in page_of(call, found)
    ]
    return Reply(200, {"total_count": len(found), "check_runs": shown})


@ROUTES(f"GET {R}/commits/{{ref}}/status")
def combined_status(call: Call) -> Reply:
    repo, sha = repo_of(call), call.at["ref"]
    _require(repo, sha)
    found = repo.statuses_of(sha, "status")
    states = {status.state for status in found}
    # With no status at all GitHub says pending.
    state = "failure" if "failure" in states else "success" if states == {"success"} else "pending"
    shown = [
        call.api.fill(
            "simple-commit-status",
            {
                "context": status.name,
                "state": status.native or status.state,
                "description": status.description,
                "target_url": status.url or None,
            },
        )
        for status in page_of(call, found)
    ]
    owner = user(call, repo.owner)
    repository = call.api.fill("minimal-repository", {"name": repo.name, "owner": owner})
    values = {"state": state, "statuses": shown, "sha": sha, "total_count": len(found)}
    return Reply(200, call.api.fill("combined-commit-status", {**values, "repository": repository}))
