"""Pull requests: opened, edited, judged, merged."""

from __future__ import annotations

from tamma.errors import Conflict, Forbidden, NotFound, PlatformError
from tamma.model.repository import MergeMethod
from tests.support.forge.calls import Call, Reply
from tests.support.forge.faces.bitbucket_dc.common import (
    HEADS,
    ROUTES,
    P,
    R,
    check_version,
    page_of,
    participants,
    pull_json,
    pull_of,
    refusal,
    repo_of,
    server_of,
    slug,
)
from tests.support.forge.faces.bitbucket_dc.lines import diff_json
from tests.support.forge.schemas import Json
from tests.support.forge.things import Merging, Verdict

_LONGEST_TITLE, _LONGEST = 255, 32_768
_METHODS: dict[str, MergeMethod] = {
    "no-ff": "merge",
    "squash": "squash",
    "squash-ff-only": "squash",
    "rebase-no-ff": "rebase",
    "rebase-ff-only": "rebase",
}
_VERDICTS: dict[str, Verdict] = {"APPROVED": "approve", "NEEDS_WORK": "request_changes"}
_VETOES = {
    "draft": "Draft pull requests cannot be merged",
    "checks_pending": "Not all required builds are successful yet",
    "checks_failed": "Not all required builds are successful yet",
    "approvals": "Not all required reviewers have approved yet",
    "blocked": "A hook says no",
}


def _checked(body: Json) -> None:
    if len(body.get("title", "")) > _LONGEST_TITLE or len(body.get("description") or "") > _LONGEST:
        raise refusal(400, "The title or the description is too long", "ArgumentValidationException")


@ROUTES(f"GET {R}/pull-requests")
def list_pulls(call: Call) -> Reply:
    """INCOMING: `at` is the base; OUTGOING: the head."""
    repo, query = repo_of(call), call.query
    outgoing, at, state = query.get("direction") == "OUTGOING", query.get("at"), query.get("state", "OPEN")
    found = [
        pull_json(call, repo, pull)
        for pull in repo.list_pulls()
        if at in (None, HEADS + (pull.head if outgoing else pull.base))
    ]
    return page_of(call, [pull for pull in found if state in ("ALL", pull["state"])])


@ROUTES(f"POST {R}/pull-requests")
def create_pull(call: Call) -> Reply:
    repo, body = repo_of(call), call.body
    _checked(body)
    head, base = (body[side]["id"].removeprefix(HEADS) for side in ("fromRef", "toRef"))
    words = (body["title"], body.get("description", ""), call.login)
    try:
        pull = repo.open_pull(head, base, *words, draft=body.get("draft", False))
    except Conflict as error:
        message = "Only one pull request may be open for a given source and target branch"
        there = repo.open_between(head, base)
        existing = there and pull_json(call, repo, there)
        exception = "pull.DuplicatePullRequestException"
        raise refusal(409, message, exception, existingPullRequest=existing) from error
    except NotFound as error:
        raise refusal(404, error.message, "repository.NoSuchBranchException") from error
    except Forbidden:
        raise
    except PlatformError as error:
        message = f"The branch {base} is already up-to-date with branch {head}"
        raise refusal(409, message, "pull.EmptyPullRequestException") from error
    return Reply(201, pull_json(call, repo, pull))


@ROUTES(f"GET {P}")
def get_pull(call: Call) -> Reply:
    repo = repo_of(call)
    return Reply(200, pull_json(call, repo, pull_of(call, repo)))


@ROUTES(f"PUT {P}")
def edit_pull(call: Call) -> Reply:
    """Reviewers that are not given are taken away, and so is the description."""
    repo, body = repo_of(call), call.body
    pull = pull_of(call, repo)
    _checked(body)
    check_version(call, pull)
    if pull.state != "open":
        raise refusal(409, "It is not open", "pull.IllegalPullRequestStateException")
    asked = [each["user"]["name"] for each in body.get("reviewers", [])]
    try:
        repo.set_reviewers(pull, asked, call.login)
    except NotFound as error:
        message = "Errors encountered while adding some reviewers to this pull request."
        wrong = [{"context": "reviewers", "message": error.message, "exceptionName": None}]
        exception = "pull.InvalidPullRequestReviewersException"
        raise refusal(409, message, exception, reviewerErrors=wrong, validReviewers=[]) from error
    repo.edit(pull, body["title"], body.get("description", ""), call.login)
    repo.set_draft(pull, body.get("draft", pull.draft), call.login)
    return Reply(200, pull_json(call, repo, pull))


@ROUTES(f"POST {P}/decline")
def decline(call: Call) -> Reply:
    repo = repo_of(call)
    pull = pull_of(call, repo)
    check_version(call, pull)
    if pull.state != "open":
        raise refusal(409, "It is not open", "pull.IllegalPullRequestStateException")
    repo.close(pull, call.login)
    return Reply(200, pull_json(call, repo, pull))


@ROUTES(f"GET {P}.diff")
def get_diff(call: Call) -> Reply:
    repo = repo_of(call)
    diff = repo.diff(pull_of(call, repo))
    return Reply(200, diff.encode(errors="surrogateescape"), {}, "text/plain; charset=utf-8")


@ROUTES(f"GET {P}/diff/{{path}}")
def get_file_diff(call: Call) -> Reply:
    repo = repo_of(call)
    return Reply(200, diff_json(repo, pull_of(call, repo), call.at["path"]))


@ROUTES(f"PUT {P}/participants/{{userSlug}}")
def judge(call: Call) -> Reply:
    """One's own verdict alone; never on one's own pull request."""
    repo, body = repo_of(call), call.body
    pull = pull_of(call, repo)
    if call.at["userSlug"] != slug(call.login):
        raise refusal(404, f"There is no user {call.at['userSlug']}", "user.NoSuchUserException")
    if body.get("lastReviewedCommit") not in (None, pull.head_sha):
        raise refusal(409, "It was updated since", "pull.PullRequestOutOfDateException")
    try:
        repo.review(pull, _VERDICTS[body["status"]], "", call.login, pull.head_sha)
    except Forbidden:
        raise
    except PlatformError as error:
        message = "Authors may not update their status"
        raise refusal(400, message, "pull.InvalidPullRequestParticipantStatusException") from error
    asked, others = participants(call, pull)
    return Reply(200, next(each for each in (*asked, *others) if each["user"]["name"] == call.login))


# --- merging ----------------------------------------------------------------------------------------------


@ROUTES(f"GET {P}/merge")
def can_merge(call: Call) -> Reply:
    repo = repo_of(call)
    pull = pull_of(call, repo)
    if pull.state != "open":
        raise refusal(409, "It is not open", "pull.IllegalPullRequestStateException")
    standing = repo.mergeability(pull)
    words = _VETOES.get(standing)
    vetoes = [{"summaryMessage": words, "detailedMessage": f"{words}."}] if words else []
    outcome = {"checking": "UNKNOWN", "conflicts": "CONFLICTED"}.get(standing, "CLEAN")
    told = {"conflicted": standing == "conflicts", "outcome": outcome, "vetoes": vetoes}
    return Reply(200, {"canMerge": standing == "clean", **told})


@ROUTES(f"POST {P}/merge")
def merge(call: Call) -> Reply:
    repo, body = repo_of(call), call.body
    pull = pull_of(call, repo)
    if pull.state != "open":
        raise refusal(409, "It is not open", "pull.IllegalPullRequestStateException")
    check_version(call, pull)
    if body["strategyId"] not in server_of(call.world).strategies:
        raise refusal(400, "The strategy is not enabled", "ArgumentValidationException")
    method, message = _METHODS[body["strategyId"]], body.get("message", "")
    if message and body.get("autoSubject", True):
        message = f"Pull request #{pull.number}: {pull.title}\n\n{message}"
    if body.get("autoMerge"):
        if not server_of(call.world).auto_merge:
            raise refusal(403, "Auto-merge is not enabled", "pull.AutoMergeDisabledException")
        if repo.standing(pull) != "clean":
            repo.set_auto_merge(pull, Merging(method, message, call.login), call.login)
            return Reply(200, pull_json(call, repo, pull))
    try:
        repo.merge(pull, method, message, call.login)
    except Conflict as error:
        words = _VETOES.get(error.message, "The pull request has conflicts")
        vetoes = [{"summaryMessage": words, "detailedMessage": f"{words}."}]
        exception = "pull.PullRequestMergeVetoedException"
        raise refusal(409, words, exception, vetoes=vetoes) from error
    return Reply(200, pull_json(call, repo, pull))


@ROUTES(f"GET {P}/auto-merge")
def get_auto_merge(call: Call) -> Reply:
    pull = pull_of(call, repo_of(call))
    if pull.auto_merge is None:
        raise refusal(404, "No auto-merge was requested", "pull.NoSuchAutoMergeRequestException")
    told = {"fromHash": pull.head_sha, "toRefId": HEADS + pull.base, "message": pull.auto_merge.message}
    return Reply(200, {**told, "autoSubject": False, "createdDate": 1})
