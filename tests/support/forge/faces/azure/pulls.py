"""Pull requests: opened, changed, reviewed by votes, completed; and what branch policies say of them."""

from __future__ import annotations

from tamma.errors import Conflict, NotFound, StaleHead
from tamma.model.repository import MergeMethod
from tests.support.forge.calls import ApiError, Call, Reply
from tests.support.forge.faces.azure.common import (
    HEADS,
    ROUTES,
    P,
    R,
    account_of,
    date,
    guid,
    listed,
    project_json,
    project_of,
    pull_of,
    repo_of,
    repository_json,
    skipped,
    user,
)
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.things import Mergeability, Merging, Pull, Verdict

_ONE = f"{R}/pullrequests/{{pullRequestId}}"
_PART = f"{R}/pullRequests/{{pullRequestId}}"
_METHODS: dict[str, MergeMethod] = {"noFastForward": "merge", "squash": "squash", "rebase": "rebase"}
_MERGE: dict[Mergeability, str] = {"checking": "queued", "conflicts": "conflicts"}
_VOTES: dict[Verdict, int] = {"approve": 10, "request_changes": -5, "comment": 0}
_SHORTENED = 400


def pull_json(call: Call, repo: Repo, pull: Pull, *, whole: bool = True) -> Json:
    """In lists (`whole=False`) the description is cut off."""
    status = "active" if pull.state == "open" else "completed" if pull.merge_sha else "abandoned"
    base_sha = pull.base_sha if pull.merge_sha else repo.branch(pull.base) or pull.base_sha
    body = pull.body or ""
    values: Json = {
        "repository": repository_json(call, repo),
        "pullRequestId": pull.number,
        "codeReviewId": pull.number,
        "status": status,
        "createdBy": user(call.world, pull.author),
        "creationDate": date(pull.created),
        "title": pull.title,
        "description": body if whole else body[:_SHORTENED],
        "sourceRefName": f"{HEADS}{pull.head}",
        "targetRefName": f"{HEADS}{pull.base}",
        "isDraft": pull.draft,
        "mergeStatus": "queued" if pull.merging else _MERGE.get(repo.mergeability(pull), "succeeded"),
        "lastMergeSourceCommit": {"commitId": pull.head_sha},
        "lastMergeTargetCommit": {"commitId": base_sha},
        # Like Azure DevOps: while it is open this names a merge that was tried.
        "lastMergeCommit": {"commitId": pull.merge_sha or "f" * 40},
        "reviewers": _reviewers(call, pull),
        "url": call.url,
        "supportsIterations": True,
    }
    if pull.labels:
        values["labels"] = [_label_json(name) for name in pull.labels]
    if pull.closed is not None:
        values["closedDate"] = date(pull.closed)
    if pull.merging is not None:
        values["completionQueueTime"] = date(pull.updated)
    if pull.auto_merge is not None:
        values["autoCompleteSetBy"] = user(call.world, pull.auto_merge.by)
    return values


def _reviewers(call: Call, pull: Pull) -> list[Json]:
    """Who was asked, and who voted; the last vote counts."""
    votes = dict.fromkeys(pull.reviewers, 0)
    votes |= {one.author: _VOTES[one.verdict] for one in pull.reviews if one.verdict != "comment"}
    return [{**user(call.world, login), "vote": vote} for login, vote in votes.items()]


def _label_json(name: str) -> Json:
    return {"id": guid(sum(name.encode())), "name": name, "active": True}


@ROUTES(f"GET {R}/pullrequests")
def list_pulls(call: Call) -> Reply:
    repo = repo_of(call)
    wanted = {key.removeprefix("searchCriteria."): value for key, value in call.query.items()}
    found = [
        shown
        for shown in (pull_json(call, repo, pull, whole=False) for pull in repo.list_pulls())
        if wanted.get("status", "active") in ("all", shown["status"])
        and wanted.get("sourceRefName", shown["sourceRefName"]) == shown["sourceRefName"]
        and wanted.get("targetRefName", shown["targetRefName"]) == shown["targetRefName"]
    ]
    return listed(skipped(call, found))


@ROUTES(f"POST {R}/pullrequests")
def create_pull(call: Call) -> Reply:
    repo, body = repo_of(call), call.body
    if len(body["description"].encode("utf-16-le")) // 2 > 4000:
        message = "The description of a pull request is limited to 4000 characters."
        raise ApiError(400, message, "InvalidArgumentValueException")
    head, base = (body[name].removeprefix(HEADS) for name in ("sourceRefName", "targetRefName"))
    try:
        pull = repo.open_pull(
            head, base, body["title"], body["description"], call.login, draft=body["isDraft"]
        )
    except NotFound as error:
        message = (
            "TF401398: The pull request cannot be activated because the source and/or the target branch no "
        )
        raise ApiError(400, f"{message}longer exists.", "GitPullRequestCannotBeActivated") from error
    except Conflict as error:
        message = "TF401179: An active pull request for the source and target branch already exists."
        raise ApiError(409, message, "GitPullRequestExistsException") from error
    return Reply(201, pull_json(call, repo, pull))


@ROUTES(f"GET {_ONE}")
def get_pull(call: Call) -> Reply:
    repo = repo_of(call)
    return Reply(200, pull_json(call, repo, pull_of(call, repo)))


@ROUTES(f"PATCH {_ONE}")
def patch_pull(call: Call) -> Reply:
    repo = repo_of(call)
    pull, body = pull_of(call, repo), call.body
    if pull.state != "open":
        message = "TF401181: The pull request cannot be edited due to its state."
        raise ApiError(409, message, "GitPullRequestNotEditableException")
    if "title" in body or "description" in body:
        repo.edit(pull, body.get("title"), body.get("description"), call.login)
    if "isDraft" in body:
        repo.set_draft(pull, body["isDraft"], call.login)
    if body.get("status") == "abandoned":
        repo.set_state(pull, "closed", call.login)
    if "autoCompleteSetBy" in body:
        repo.set_auto_merge(pull, _merging(call, body), call.login)
    if body.get("status") == "completed":
        _complete(call, repo, pull, body)
    return Reply(200, pull_json(call, repo, pull))


def _merging(call: Call, body: Json) -> Merging:
    options = body["completionOptions"]
    return Merging(_METHODS[options["mergeStrategy"]], options.get("mergeCommitMessage", ""), call.login)


def _complete(call: Call, repo: Repo, pull: Pull, body: Json) -> None:
    wanted = _merging(call, body)
    expected = body["lastMergeSourceCommit"]["commitId"]
    try:
        repo.merge(pull, wanted.method, wanted.message, call.login, expected=expected)
    except StaleHead as error:
        message = "TF401192: The pull request branch has been updated since it was last read."
        raise ApiError(409, message, "GitPullRequestStaleException") from error
    except Conflict as error:
        message = f"TF401381: The pull request cannot be completed: {error.message}."
        raise ApiError(403, message, "GitPullRequestUpdateRejectedByPolicyException") from error


# --- labels, reviewers, iterations, policies ---------------------------------------------------------------


@ROUTES(f"GET {_PART}/labels")
def labels(call: Call) -> Reply:
    return listed([_label_json(name) for name in pull_of(call, repo_of(call)).labels])


@ROUTES(f"POST {_PART}/labels")
def add_label(call: Call) -> Reply:
    repo = repo_of(call)
    repo.add_label(pull_of(call, repo), call.body["name"], call.login)
    return Reply(200, _label_json(call.body["name"]))


@ROUTES(f"DELETE {_PART}/labels/{{labelIdOrName}}")
def remove_label(call: Call) -> Reply:
    repo = repo_of(call)
    if not repo.remove_label(pull_of(call, repo), call.at["labelIdOrName"], call.login):
        raise ApiError(404, "TF401464: The label does not exist.", "GitPullRequestLabelNotFoundException")
    return Reply(200)


@ROUTES(f"PUT {_PART}/reviewers/{{reviewerId}}")
def put_reviewer(call: Call) -> Reply:
    repo = repo_of(call)
    pull, who = pull_of(call, repo), account_of(call.world, call.at["reviewerId"])
    if who is None:
        raise ApiError(404, "VS860006: The identity is unknown.", "IdentityNotFoundException")
    vote = call.body.get("vote", 0)
    if vote and who.login != call.login:
        raise ApiError(403, "TF401186: You cannot vote for somebody else.", "GitPullRequestVoteException")
    if vote:
        repo.review(pull, "approve" if vote > 0 else "request_changes", "", call.login)
    elif who.login not in pull.reviewers:
        repo.set_reviewers(pull, [*pull.reviewers, who.login], call.login)
    return Reply(200, {**user(call.world, who.login), "vote": vote})


@ROUTES(f"DELETE {_PART}/reviewers/{{reviewerId}}")
def remove_reviewer(call: Call) -> Reply:
    repo = repo_of(call)
    pull, who = pull_of(call, repo), account_of(call.world, call.at["reviewerId"])
    repo.set_reviewers(
        pull, [name for name in pull.reviewers if who is None or name != who.login], call.login
    )
    return Reply(200)


@ROUTES(f"GET {_PART}/iterations")
def iterations(call: Call) -> Reply:
    pull = pull_of(call, repo_of(call))
    return listed([{"id": 1, "sourceRefCommit": {"commitId": pull.head_sha}, "reason": "create"}])


@ROUTES(f"GET {_PART}/iterations/{{iterationId}}/changes")
def iteration_changes(call: Call) -> Reply:
    repo = repo_of(call)
    names = repo.changed_files(pull_of(call, repo))
    entries = [
        {"changeTrackingId": at, "changeId": at, "changeType": "edit", "item": {"path": f"/{name}"}}
        for at, name in enumerate(names, start=1)
    ]
    return Reply(200, {"changeEntries": list(skipped(call, entries))})


@ROUTES(f"GET {P}/policy/evaluations")
def evaluations(call: Call) -> Reply:
    artifact = call.query["artifactId"]
    repos = project_of(call)
    *_, project, number = artifact.split("/")
    if project != project_json(repos[0])["id"]:
        raise ApiError(404, "TF402457: there is no such artifact.", "PolicyArtifactNotFoundException")
    repo = next(repo for repo in repos if int(number) in repo.pulls)
    pull = repo.pulls[int(number)]
    return listed(skipped(call, _evaluations(call, repo, pull)))


def _evaluations(call: Call, repo: Repo, pull: Pull) -> list[Json]:
    rules = repo.protected.get(pull.base)
    if rules is None:
        return []
    states = {status.name: status.state for status in repo.statuses_of(pull.head_sha)}
    words = {"pending": "running", "success": "approved", "failure": "rejected"}
    found: list[Json] = []
    for name in rules.checks:
        genre, _, last = name.rpartition("/")
        settings: Json = {"statusGenre": genre, "statusName": last}
        status = words[states.get(name, "pending")]
        found.append(_evaluation(call, "cbdc66da-9728-4af8-aada-9a5a32e4a226", "Status", status, settings))
    if rules.approvals:
        status = "approved" if len(repo.approvals(pull)) >= rules.approvals else "running"
        kind = "fa4e907d-c16b-4a4c-9dfa-4906e5d171dd"
        settings = {"minimumApproverCount": rules.approvals}
        found.append(_evaluation(call, kind, "Minimum number of reviewers", status, settings))
    if rules.blocked:
        found.append(_evaluation(call, guid(1), "Require a merge strategy", "rejected", {}))
    return found


def _evaluation(call: Call, kind: str, name: str, status: str, settings: Json) -> Json:
    configuration: Json = {
        "isEnabled": True,
        "isBlocking": True,
        "isDeleted": False,
        "settings": settings,
        "id": 1,
        "type": {"id": kind, "displayName": name},
    }
    return {
        "evaluationId": guid(call.world.new_id()),
        "status": status,
        "configuration": configuration,
        "context": {},
    }


@ROUTES(f"GET {_PART}/statuses")
def statuses(call: Call) -> Reply:
    """Nobody reports on a pull request here but on its commits."""
    pull_of(call, repo_of(call))
    return listed([])
