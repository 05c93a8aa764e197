"""What the in-process GitHub answers, operation by operation."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pygit2

from tamma.errors import Conflict, NotFound, PlatformError
from tamma.platforms.git import objects as gitdb
from tests.support.github_world import NOW, StoredComment, StoredIssue, StoredPull, World
from tests.support.openapi import ApiDescription, Json

Answer = tuple[int, Any]
ROUTES: dict[str, Callable[[Call], Answer]] = {}
R = "/repos/{owner}/{repo}"


class ApiError(Exception):
    def __init__(self, status: int, message: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.errors = status, message, errors


@dataclass
class Call:
    world: World
    api: ApiDescription
    at: dict[str, str]
    query: dict[str, str]
    body: Json
    links: dict[str, str] = field(default_factory=dict[str, str])

    def issue(self) -> StoredIssue:
        if self.world.issues_disabled:
            raise ApiError(410, "Issues are disabled for this repo")
        found = self.world.issues.get(int(self.at["issue_number"]))
        if found is None:
            raise ApiError(404, "Not Found")
        return found

    def pull(self) -> StoredIssue:
        found = self.world.issues.get(int(self.at["pull_number"]))
        if found is None or found.pull is None:
            raise ApiError(404, "Not Found")
        return found

    def paged(self, items: list[Any]) -> list[Any]:
        size, page = int(self.query.get("per_page", 30)), int(self.query.get("page", 1))
        if page * size < len(items):
            self.links["next"] = urlencode({**self.query, "page": page + 1})
        return items[(page - 1) * size : page * size]


def route(name: str) -> Callable[[Callable[[Call], Answer]], Callable[[Call], Answer]]:
    def register(function: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        def checked(call: Call) -> Answer:
            asked = (call.at.get("owner", "octo"), call.at.get("repo", "hello"))
            if asked != (call.world.owner, call.world.name):
                raise ApiError(404, "Not Found")
            return function(call)

        ROUTES[name] = checked
        return checked

    return register


# --- shapes ----------------------------------------------------------------------------------------


def user(call: Call, login: str) -> Json:
    number = sum(login.encode())
    return call.api.fill("simple-user", {"login": login, "id": number, "type": "User"})


def label(call: Call, name: str) -> Json:
    return call.api.fill(
        "label", {"id": sum(name.encode()), "name": name, "color": "ededed", "description": ""}
    )


def issue_json(call: Call, issue: StoredIssue) -> Json:
    extra: Json = {} if issue.pull is None else {"pull_request": call_links(call, issue)}
    here = f"{call.world.url}/octo/hello/issues/{issue.number}"
    return call.api.fill(
        "issue",
        {
            "id": issue.number + 1000,
            "number": issue.number,
            "title": issue.title,
            "body": issue.body,
            "state": issue.state,
            "html_url": here,
            "user": user(call, issue.author),
            "labels": [label(call, name) for name in issue.labels],
            "assignees": [user(call, login) for login in issue.assignees],
            "comments": sum(comment.number == issue.number for comment in call.world.comments),
            **extra,
        },
    )


def call_links(call: Call, issue: StoredIssue) -> Json:
    here = f"{call.world.url}/octo/hello/pull/{issue.number}"
    return {"url": here, "html_url": here, "diff_url": here, "patch_url": here}


def comment_json(call: Call, comment: StoredComment) -> Json:
    values = {"id": comment.id, "body": comment.body, "user": user(call, comment.author)}
    return call.api.fill("issue-comment", {**values, "author_association": "NONE"})


def pull_json(call: Call, issue: StoredIssue, schema: str) -> Json:
    pull = call.world.refresh(issue)
    base_sha = gitdb.branch_sha(call.world.git, pull.base) or pull.head_sha
    values: Json = {
        "number": issue.number,
        "title": issue.title,
        "body": issue.body,
        "state": issue.state,
        "html_url": f"{call.world.url}/octo/hello/pull/{issue.number}",
        "draft": pull.draft,
        "user": user(call, issue.author),
        "labels": [label(call, name) for name in issue.labels],
        "head": {"ref": pull.head, "sha": pull.head_sha, "label": f"octo:{pull.head}"},
        "base": {"ref": pull.base, "sha": base_sha, "label": f"octo:{pull.base}"},
        "merged_at": NOW if pull.merge_sha else None,
        # Like GitHub: an open pull request names its test merge here.
        "merge_commit_sha": pull.merge_sha or "0" * 40,
    }
    for side in ("head", "base"):
        values[side]["user"] = user(call, "octo")
        values[side]["repo"] = call.api.fill("repository", {"name": "hello", "owner": user(call, "octo")})
    if schema == "pull-request":
        values |= {"merged": pull.merge_sha is not None, **mergeability(call, issue, pull)}
    return call.api.fill(schema, values)


def mergeability(call: Call, issue: StoredIssue, pull: StoredPull) -> Json:
    if issue.state == "closed":
        return {"mergeable": None, "mergeable_state": "unknown"}
    if call.world.still_computing > 0:
        call.world.still_computing -= 1
        return {"mergeable": None, "mergeable_state": "unknown"}
    if call.world.conflicts(issue):
        return {"mergeable": False, "mergeable_state": "dirty"}
    blocked = "blocked" if call.world.blocked else "clean"
    return {"mergeable": True, "mergeable_state": "draft" if pull.draft else blocked}


# --- account and repository --------------------------------------------------------------------------


@route("GET /user")
def get_user(call: Call) -> Answer:
    return 200, call.api.fill("private-user", {"login": call.world.bot, "id": 7, "type": "User"})


@route("GET /rate_limit")
def rate_limit(call: Call) -> Answer:
    core = {"limit": 5000, "remaining": 4999, "reset": 1_800_000_000, "used": 1}
    return 200, call.api.fill(
        "rate-limit-overview", {"resources": {"core": core, "search": core}, "rate": core}
    )


@route(f"GET {R}")
def get_repository(call: Call) -> Answer:
    default = gitdb.default_branch(call.world.git, str(call.world.path))
    values = {"name": "hello", "full_name": "octo/hello", "default_branch": default, "private": True}
    urls = {"clone_url": f"{call.world.url}/octo/hello.git", "html_url": f"{call.world.url}/octo/hello"}
    return 200, call.api.fill("full-repository", {**values, **urls, "owner": user(call, "octo")})


@route(f"GET {R}/collaborators/{{username}}/permission")
def permission(call: Call) -> Answer:
    login = call.at["username"]
    held = call.world.permissions.get(login)
    if held is None:
        raise ApiError(404, f"{login} is not a user")
    account = call.api.fill("collaborator", {"login": login, "role_name": held})
    values = {"permission": held, "role_name": held, "user": account}
    return 200, call.api.fill("repository-collaborator-permission", values)


@route(f"GET {R}/contents/{{path}}")
def contents(call: Call) -> Answer:
    path = call.at["path"]
    try:
        found = call.world.git.revparse_single(call.query.get("ref", "HEAD")).peel(pygit2.Commit).tree[path]
    except KeyError as error:
        raise ApiError(404, "Not Found") from error
    if not isinstance(found, pygit2.Blob):
        return 200, []
    large = len(found.data) > 1_000_000
    values = {
        "type": "file",
        "encoding": "none" if large else "base64",
        "content": "" if large else base64.encodebytes(found.data).decode(),
        "size": len(found.data),
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": str(found.id),
    }
    return 200, call.api.fill("content-file", values)


# --- issues ------------------------------------------------------------------------------------------


@route(f"GET {R}/issues")
def list_issues(call: Call) -> Answer:
    if call.world.issues_disabled:
        raise ApiError(404, "Not Found")
    state, labels = (
        call.query.get("state", "open"),
        set(filter(None, call.query.get("labels", "").split(","))),
    )
    found = [
        issue
        for issue in call.world.issues.values()
        if state in ("all", issue.state)
        and labels <= set(issue.labels)
        and call.query.get("assignee", "*") in ("*", *issue.assignees)
    ]
    found.sort(key=lambda issue: issue.number, reverse=call.query.get("direction", "desc") == "desc")
    return 200, [issue_json(call, issue) for issue in call.paged(found)]


@route(f"GET {R}/issues/{{issue_number}}")
def get_issue(call: Call) -> Answer:
    return 200, issue_json(call, call.issue())


@route(f"PATCH {R}/issues/{{issue_number}}")
def update_issue(call: Call) -> Answer:
    issue = call.issue()
    issue.state = call.body.get("state", issue.state)
    return 200, issue_json(call, issue)


@route(f"GET {R}/issues/{{issue_number}}/comments")
def list_comments(call: Call) -> Answer:
    number = call.issue().number
    found = [comment for comment in call.world.comments if comment.number == number]
    return 200, [comment_json(call, comment) for comment in call.paged(found)]


@route(f"POST {R}/issues/{{issue_number}}/comments")
def create_comment(call: Call) -> Answer:
    comment = call.world.add_comment(call.issue().number, call.body["body"], call.world.bot)
    return 201, comment_json(call, comment)


@route(f"PATCH {R}/issues/comments/{{comment_id}}")
def update_comment(call: Call) -> Answer:
    comment = next((c for c in call.world.comments if str(c.id) == call.at["comment_id"]), None)
    if comment is None:
        raise ApiError(404, "Not Found")
    comment.body = call.body["body"]
    return 200, comment_json(call, comment)


@route(f"POST {R}/issues/{{issue_number}}/labels")
def add_labels(call: Call) -> Answer:
    issue = call.issue()
    issue.labels += [name for name in call.body["labels"] if name not in issue.labels]
    return 200, [label(call, name) for name in issue.labels]


@route(f"DELETE {R}/issues/{{issue_number}}/labels/{{name}}")
def remove_label(call: Call) -> Answer:
    issue = call.issue()
    if call.at["name"] not in issue.labels:
        raise ApiError(404, "Label does not exist")
    issue.labels.remove(call.at["name"])
    return 200, [label(call, name) for name in issue.labels]


@route(f"POST {R}/issues/{{issue_number}}/assignees")
def add_assignees(call: Call) -> Answer:
    issue = call.issue()
    known = [login for login in call.body["assignees"] if login in call.world.permissions]
    issue.assignees += [login for login in known if login not in issue.assignees]
    return 201, issue_json(call, issue)


@route(f"DELETE {R}/issues/{{issue_number}}/assignees")
def remove_assignees(call: Call) -> Answer:
    issue = call.issue()
    issue.assignees = [login for login in issue.assignees if login not in call.body["assignees"]]
    return 200, issue_json(call, issue)


# --- Git data ----------------------------------------------------------------------------------------


def ref_json(call: Call, name: str, sha: str) -> Json:
    target = {"type": "commit", "sha": sha, "url": call.world.url}
    return call.api.fill("git-ref", {"ref": f"refs/heads/{name}", "object": target})


@route(f"GET {R}/git/ref/{{ref}}")
def get_ref(call: Call) -> Answer:
    name = call.at["ref"].removeprefix("heads/")
    sha = gitdb.branch_sha(call.world.git, name)
    if sha is None:
        raise ApiError(404, "Not Found")
    return 200, ref_json(call, name, sha)


@route(f"POST {R}/git/refs")
def create_ref(call: Call) -> Answer:
    name = call.body["ref"].removeprefix("refs/heads/")
    if gitdb.branch_sha(call.world.git, name) is not None:
        raise ApiError(422, "Reference already exists")
    try:
        gitdb.ensure_branch(call.world.git, name, call.body["sha"])
    except NotFound as error:
        raise ApiError(422, "Object does not exist") from error
    except (Conflict, PlatformError) as error:
        raise ApiError(422, "Reference update failed") from error
    return 201, ref_json(call, name, call.body["sha"])


@route(f"PATCH {R}/git/refs/{{ref}}")
def update_ref(call: Call) -> Answer:
    name = call.at["ref"].removeprefix("heads/")
    old, new = gitdb.branch_sha(call.world.git, name), call.body["sha"]
    if old is None:
        raise ApiError(422, "Reference does not exist")
    if not call.body.get("force") and not gitdb.is_merged(call.world.git, new, old):
        raise ApiError(422, "Update is not a fast forward")
    gitdb.move_branch(call.world.git, name, old, new, "api")
    return 200, ref_json(call, name, new)


@route(f"DELETE {R}/git/refs/{{ref}}")
def delete_ref(call: Call) -> Answer:
    name = call.at["ref"].removeprefix("heads/")
    sha = gitdb.branch_sha(call.world.git, name)
    if sha is None:
        raise ApiError(422, "Reference does not exist")
    gitdb.delete_branch(call.world.git, name, sha)
    return 204, None


@route(f"POST {R}/git/blobs")
def create_blob(call: Call) -> Answer:
    content = call.body["content"]
    data = base64.b64decode(content) if call.body.get("encoding") == "base64" else content.encode()
    return 201, call.api.fill("short-blob", {"sha": str(call.world.git.create_blob(data))})


@route(f"GET {R}/git/blobs/{{file_sha}}")
def get_blob(call: Call) -> Answer:
    data = call.world.git[call.at["file_sha"]].peel(pygit2.Blob).data
    values = {"content": base64.encodebytes(data).decode(), "encoding": "base64", "sha": call.at["file_sha"]}
    return 200, call.api.fill("blob", {**values, "size": len(data)})


@route(f"POST {R}/git/trees")
def create_tree(call: Call) -> Answer:
    index, git = pygit2.Index(), call.world.git
    if "base_tree" in call.body:
        index.read_tree(git[call.body["base_tree"]].peel(pygit2.Tree))
    for entry in call.body["tree"]:
        if "content" in entry:
            blob: Any = git.create_blob(entry["content"].encode())
        elif entry["sha"] is not None:
            blob = pygit2.Oid(hex=entry["sha"])
        else:
            try:
                index.remove(entry["path"])
            except OSError as error:
                raise ApiError(422, "GitRPC::BadObjectState") from error
            continue
        index.add(pygit2.IndexEntry(entry["path"], blob, pygit2.enums.FileMode(int(entry["mode"], 8))))
    return 201, call.api.fill("git-tree", {"sha": str(index.write_tree(git)), "truncated": False})


@route(f"POST {R}/git/commits")
def create_commit(call: Call) -> Answer:
    author = pygit2.Signature(call.world.bot, "bot@example.test")
    parents: list[str | pygit2.Oid] = list(call.body.get("parents", []))
    message, tree = call.body["message"], call.body["tree"]
    made = call.world.git.create_commit(None, author, author, message, tree, parents)
    return 201, commit_json(call, str(made))


@route(f"GET {R}/git/commits/{{commit_sha}}")
def get_commit(call: Call) -> Answer:
    return 200, commit_json(call, call.at["commit_sha"])


def commit_json(call: Call, sha: str) -> Json:
    try:
        commit = call.world.git[sha].peel(pygit2.Commit)
    except KeyError as error:
        raise ApiError(404, "Not Found") from error
    person = {"name": commit.author.name, "email": commit.author.email, "date": NOW}
    values = {"sha": sha, "message": commit.message, "author": person, "committer": person}
    tree = {"sha": str(commit.tree.id), "url": call.world.url}
    parents = [{"sha": str(p.id), "url": "http://x/", "html_url": "http://x/"} for p in commit.parents]
    return call.api.fill("git-commit", {**values, "tree": tree, "parents": parents})


# --- pull requests -------------------------------------------------------------------------------------


@route(f"GET {R}/pulls")
def list_pulls(call: Call) -> Answer:
    state = call.query.get("state", "open")
    found = [
        issue
        for issue in reversed(call.world.issues.values())
        if issue.pull is not None
        and state in ("all", issue.state)
        and call.query.get("head", f"octo:{issue.pull.head}") == f"octo:{issue.pull.head}"
        and call.query.get("base", issue.pull.base) == issue.pull.base
    ]
    return 200, [pull_json(call, issue, "pull-request-simple") for issue in call.paged(found)]


@route(f"POST {R}/pulls")
def create_pull(call: Call) -> Answer:
    git, head, base = call.world.git, call.body["head"], call.body["base"]
    head_sha, base_sha = gitdb.branch_sha(git, head), gitdb.branch_sha(git, base)
    if head_sha is None or base_sha is None:
        where = "head" if head_sha is None else "base"
        raise ApiError(422, "Validation Failed", [_problem(where, "invalid")])
    if gitdb.is_merged(git, base_sha, head_sha):
        raise ApiError(
            422, "Validation Failed", [_problem("", "custom", f"No commits between {base} and {head}")]
        )
    for issue in call.world.issues.values():
        if issue.pull and issue.state == "open" and (issue.pull.head, issue.pull.base) == (head, base):
            message = f"A pull request already exists for octo:{head}."
            raise ApiError(422, "Validation Failed", [_problem("", "custom", message)])
    pull = StoredPull(head, base, head_sha, bool(call.body.get("draft")))
    issue = call.world.add_issue(call.body["title"], call.body.get("body"), call.world.bot, pull=pull)
    return 201, pull_json(call, issue, "pull-request")


def _problem(name: str, code: str, message: str = "") -> dict[str, str]:
    problem = {"resource": "PullRequest", "code": code}
    return problem | ({"field": name} if name else {}) | ({"message": message} if message else {})


@route(f"GET {R}/pulls/{{pull_number}}")
def get_pull(call: Call) -> Answer:
    return 200, pull_json(call, call.pull(), "pull-request")


@route(f"PATCH {R}/pulls/{{pull_number}}")
def update_pull(call: Call) -> Answer:
    issue = call.pull()
    issue.title, issue.body = call.body.get("title", issue.title), call.body.get("body", issue.body)
    return 200, pull_json(call, issue, "pull-request")


@route(f"PUT {R}/pulls/{{pull_number}}/merge")
def merge_pull(call: Call) -> Answer:
    issue = call.pull()
    pull = call.world.refresh(issue)
    if issue.state == "closed" or pull.draft or call.world.blocked:
        raise ApiError(405, "Pull Request is not mergeable")
    if call.body.get("sha", pull.head_sha) != pull.head_sha:
        raise ApiError(409, "Head branch was modified. Review and try the merge again.")
    message = "\n\n".join(filter(None, (call.body.get("commit_title"), call.body.get("commit_message"))))
    merged = call.world.merge(issue, call.body.get("merge_method", "merge"), message)
    if merged is None:
        raise ApiError(405, "Pull Request is not mergeable")
    return 200, {"sha": merged, "merged": True, "message": "Pull Request successfully merged"}


# --- checks --------------------------------------------------------------------------------------------


@route(f"GET {R}/commits/{{ref}}/check-runs")
def list_check_runs(call: Call) -> Answer:
    if call.world.checks_forbidden:
        raise ApiError(403, "Resource not accessible by personal access token")
    runs = call.world.check_runs.get(call.at["ref"], [])
    shown = [call.api.fill("check-run", {"head_sha": call.at["ref"], **run}) for run in call.paged(runs)]
    return 200, {"total_count": len(runs), "check_runs": shown}


@route(f"GET {R}/commits/{{ref}}/status")
def combined_status(call: Call) -> Answer:
    found = call.world.statuses.get(call.at["ref"], [])
    states = {status["state"] for status in found}
    # With no status at all GitHub says pending.
    state = (
        "failure" if states & {"failure", "error"} else ("success" if states == {"success"} else "pending")
    )
    shown = [
        call.api.fill("simple-commit-status", {"target_url": "http://x/", **status})
        for status in call.paged(found)
    ]
    repository = call.api.fill("minimal-repository", {"name": "hello", "owner": user(call, "octo")})
    values = {"state": state, "statuses": shown, "sha": call.at["ref"], "total_count": len(found)}
    return 200, call.api.fill("combined-commit-status", {**values, "repository": repository})
