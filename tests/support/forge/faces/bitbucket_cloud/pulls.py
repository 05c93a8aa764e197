"""Pull requests: opened, edited, judged, merged."""

from __future__ import annotations

import re

from tamma.errors import Conflict
from tamma.platforms.git import objects as gitdb
from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.bitbucket_cloud.common import (
    BASE,
    PR,
    ROUTES,
    STRATEGIES,
    R,
    login_of,
    page_of,
    participants,
    pull_json,
    pull_of,
    repo_of,
)
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.things import Pull, Verdict

TITLE, BODY = 255, 250_000
TASK_FAILED = "task failed"
"""In `extra` of a pull request: what its merge failed with, after it was begun."""
_RULE = re.compile(r'(source|destination)\.branch\.name="((?:[^"\\]|\\.)*)"')
_REFUSALS = {
    "conflicts": "You can't merge until you resolve all merge conflicts.",
    "draft": "Cannot merge a draft pull request.",
    "checks_pending": "1 failed merge check: all builds have to be successful.",
    "checks_failed": "1 failed merge check: all builds have to be successful.",
    "approvals": "1 failed merge check: an approval is missing.",
    "blocked": "1 failed merge check.",
    "merged": "This pull request is already closed.",
    "closed": "This pull request is already closed.",
}


@ROUTES(f"GET {R}/pullrequests")
def list_pulls(call: Call) -> Reply:
    repo = repo_of(call)
    rules = {side: re.sub(r"\\(.)", r"\1", name) for side, name in _RULE.findall(call.query.get("q", ""))}
    states = call.many("state") or ["OPEN"]
    found = [
        pull
        for pull in repo.list_pulls()
        if _state(pull) in states
        and rules.get("source", pull.head) == pull.head
        and rules.get("destination", pull.base) == pull.base
    ]
    return page_of(call, found, lambda pull: pull_json(call, repo, pull, single=False), most=50)


def _state(pull: Pull) -> str:
    return "OPEN" if pull.state == "open" else "MERGED" if pull.merge_sha else "DECLINED"


@ROUTES(f"GET {PR}")
def get_pull(call: Call) -> Reply:
    repo = repo_of(call)
    return Reply(200, pull_json(call, repo, pull_of(call, repo)))


def _texts(body: Json) -> tuple[str, str]:
    title, text = body["title"], body.get("description") or ""
    if len(title) > TITLE or len(text) > BODY:
        raise ApiError(400, "Bad request: title or description: too long")
    return title, text


def _reviewers(call: Call, body: Json) -> list[str]:
    logins = [login_of(call, each) for each in body.get("reviewers", [])]
    if "" in logins:
        raise ApiError(400, "Malformed reviewers list")
    return logins


@ROUTES(f"POST {R}/pullrequests")
def create_pull(call: Call) -> Reply:
    repo, body = repo_of(call), call.body
    head, base = body["source"]["branch"]["name"], body["destination"]["branch"]["name"]
    for name in (head, base):
        if repo.branch(name) is None:
            raise ApiError(400, f"source: branch: {name} not found")
    title, text = _texts(body)
    made = repo.open_pull(head, base, title, text, call.login, draft=body.get("draft", False))
    made.reviewers = _reviewers(call, body)
    return Reply(201, pull_json(call, repo, made))


@ROUTES(f"PUT {PR}")
def edit_pull(call: Call) -> Reply:
    """Who is left out of the reviewers is one no more."""
    repo, body = repo_of(call), call.body
    pull = pull_of(call, repo)
    if pull.state != "open":
        raise ApiError(400, "This pull request is already closed.")
    title, text = _texts(body)
    reviewers = _reviewers(call, body)
    repo.set_reviewers(pull, reviewers, call.login)
    repo.edit(pull, title, text, call.login)
    repo.set_draft(pull, body.get("draft", pull.draft), call.login)
    return Reply(200, pull_json(call, repo, pull))


@ROUTES(f"POST {PR}/decline")
def decline(call: Call) -> Reply:
    repo = repo_of(call)
    pull = pull_of(call, repo)
    if pull.state != "open":
        raise ApiError(400, "This pull request is already closed.")
    repo.close(pull, call.login)
    return Reply(200, pull_json(call, repo, pull))


# --- what it changes ----------------------------------------------------------------------------------


def _elsewhere(call: Call, repo: Repo, what: str) -> Reply:
    pull = pull_of(call, repo)
    base = pull.base_sha if pull.merge_sha else repo.branch(pull.base) or pull.base_sha
    spec = f"{pull.head_sha}..{base}"
    where = f"{call.world.url}{BASE}/repositories/{repo.full_name}/{what}/{spec}"
    return Reply(302, None, {"Location": f"{where}?topic=true" if what == "diff" else where})


@ROUTES(f"GET {PR}/diff")
def get_diff(call: Call) -> Reply:
    return _elsewhere(call, repo_of(call), "diff")


@ROUTES(f"GET {PR}/conflicts")
def get_conflicts(call: Call) -> Reply:
    return _elsewhere(call, repo_of(call), "file-conflicts")


@ROUTES(f"GET {R}/diff/{{spec}}")
def diff(call: Call) -> Reply:
    repo = repo_of(call)
    head = call.at["spec"].partition("..")[0]
    return Reply(200, repo.diff(next(pull for pull in repo.list_pulls() if pull.head_sha == head)))


@ROUTES(f"GET {R}/file-conflicts/{{spec}}")
def file_conflicts(call: Call) -> Reply:
    repo = repo_of(call)
    head, _, base = call.at["spec"].partition("..")
    merged = gitdb.merge(repo.git, base, head, "probe")
    paths = ["README.md"] if isinstance(merged, gitdb.Conflicting) else []
    shape = {"type": "file_conflict", "scenario": "content"}
    return page_of(call, paths, lambda path: {**shape, "path": path})


# --- verdicts and merging -------------------------------------------------------------------------------


def _judge(call: Call, verdict: Verdict) -> Reply:
    """Once: who has said so already is told so."""
    repo = repo_of(call)
    pull = pull_of(call, repo)
    last = {each.author: each.verdict for each in pull.reviews if each.verdict != "comment"}
    if last.get(call.login) == verdict:
        raise ApiError(409, "You already approved this pull request.")
    repo.review(pull, verdict, "", call.login)
    [mine] = [each for each in participants(call, pull) if each["user"]["nickname"] == call.login]
    return Reply(200, mine)


@ROUTES(f"POST {PR}/approve")
def approve(call: Call) -> Reply:
    return _judge(call, "approve")


@ROUTES(f"POST {PR}/request-changes")
def request_changes(call: Call) -> Reply:
    return _judge(call, "request_changes")


@ROUTES(f"POST {PR}/merge")
def merge(call: Call) -> Reply:
    """200 where it was done at once, else 202 and the address of a task."""
    repo, body = repo_of(call), call.body
    pull = pull_of(call, repo)
    if pull.merging is not None:
        raise ApiError(409, "One of the refs involved changed while attempting to merge")
    method = STRATEGIES[body.get("merge_strategy", "merge_commit")]
    assert method in ("merge", "squash", "rebase")
    try:
        merged = repo.merge(pull, method, body.get("message", ""), call.login)
    except Conflict as error:
        status = 409 if error.message == "conflicts" else 400
        raise ApiError(status, _REFUSALS[error.message]) from error
    if merged is None:
        return Reply(202, None, {"Location": f"{call.url}/task-status/task-{pull.id}"})
    return Reply(200, pull_json(call, repo, pull))


@ROUTES(f"GET {PR}/merge/task-status/{{task_id}}")
def task_status(call: Call) -> Reply:
    repo = repo_of(call)
    pull = pull_of(call, repo)
    if call.at["task_id"] != f"task-{pull.id}":
        raise ApiError(400, "The task is of another pull request")
    if TASK_FAILED in pull.extra:
        raise ApiError(400, pull.extra[TASK_FAILED])
    if pull.merge_sha is None:
        return Reply(200, {"task_status": "PENDING"})
    return Reply(200, {"task_status": "SUCCESS", "merge_result": pull_json(call, repo, pull)})
