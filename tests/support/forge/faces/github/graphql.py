"""GitHub's GraphQL interface: the adapter's queries, parsed, checked against the schema and answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from graphql import DocumentNode, GraphQLError, GraphQLSchema, build_schema, parse, validate
from graphql import execute_sync as execute  # pyright: ignore[reportUnknownVariableType]  (its types)

from tamma.errors import Forbidden, NotFound, PlatformError
from tamma.model.repository import MergeMethod
from tests.support.forge.calls import Call, Reply
from tests.support.forge.faces.github.common import BODY_LIMIT, ROUTES, date
from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.things import Comment, Merging, Pull, Thread

_SCHEMA = Path(__file__).with_name("schema.graphql")


class Refused(Exception):
    """What GitHub refuses, by its own `type`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@cache
def _schema() -> GraphQLSchema:
    return build_schema(_SCHEMA.read_text("utf-8"))


@cache
def _read(source: str) -> DocumentNode:
    """Raises ValueError where GitHub would not take it: the test shall say so."""
    document = parse(source)
    problems = validate(_schema(), document)
    if problems:
        raise ValueError("; ".join(problem.message for problem in problems))
    return document


@ROUTES("POST /graphql", undescribed="another interface, with a schema of its own")
def graphql(call: Call) -> Reply:
    """Errors come with status 200."""
    document = _read(call.body["query"])
    variables = call.body.get("variables")
    result = execute(_schema(), document, _ROOT, context_value=call, variable_values=variables)
    answer: Json = {"data": result.data}
    if result.errors:
        answer["errors"] = [_worded(error) for error in result.errors]
    return Reply(200, answer)


def _worded(error: GraphQLError) -> Json:
    refused = error.original_error
    if isinstance(refused, NotFound):
        refused = Refused("NOT_FOUND", f"Could not resolve to a node: {refused.message}")
    elif isinstance(refused, Forbidden):
        archived = "archived" in refused.message
        words = "Repository was archived so is read-only." if archived else "Resource not accessible"
        refused = Refused("FORBIDDEN", words)
    elif isinstance(refused, PlatformError):
        refused = Refused("UNPROCESSABLE", refused.message)
    if not isinstance(refused, Refused):
        raise error  # a mistake here or in the variables
    return {"type": refused.kind, "path": error.path, "message": str(refused)}


# --- queries ----------------------------------------------------------------------------------------------
# graphql-core calls what it finds under a field's name, with the field's arguments.


class Info(Protocol):
    """What a field is told beside its arguments."""

    @property
    def context(self) -> Call: ...


def _viewer(info: Info) -> Json:
    """Of an App's token, its bot's name in whole."""
    login = info.context.login
    return {"login": login, "id": f"U_{info.context.world.account(login).id}"}


def _repository(info: Info, **given: Any) -> Json:
    world, key = info.context.world, (given["owner"], given["name"])
    repo = world.find(*key) or (world.moved.get(key) if given["followRenames"] else None)
    if repo is None:
        message = f"Could not resolve to a Repository with the name '{'/'.join(key)}'."
        raise Refused("NOT_FOUND", message)

    def pull_request(_: Info, number: int) -> Json:
        if number not in repo.pulls:
            message = f"Could not resolve to a PullRequest with the number of {number}."
            raise Refused("NOT_FOUND", message)
        return _pull_json(repo, repo.pull(number))

    return {"id": f"R_{repo.id}", "nameWithOwner": repo.full_name, "pullRequest": pull_request}


def _node(info: Info, **given: Any) -> Json:
    node: str = given["id"]
    if node.startswith("PRRT_"):
        return {"__typename": "PullRequestReviewThread", **_thread_json(*_thread(info, node))}
    if node.startswith("PR_"):
        return {"__typename": "PullRequest", **_pull_json(*_pull(info, node))}
    raise _unknown(node)


# --- mutations --------------------------------------------------------------------------------------------


def _reply(info: Info, **given: Any) -> Json:
    wanted = given["input"]
    repo, pull, thread = _thread(info, wanted["pullRequestReviewThreadId"])
    repo.reply(pull, thread, _body(wanted), info.context.login)
    return {"comment": _comment_json(thread.comments[-1])}


def _edit(info: Info, **given: Any) -> Json:
    wanted, login = given["input"], info.context.login
    node = wanted["pullRequestReviewCommentId"]
    for repo, pull in _pulls(info):
        for comment in [comment for thread in pull.threads for comment in thread.comments]:
            if f"PRRC_{comment.id}" == node:
                if comment.author != login:
                    raise Refused("FORBIDDEN", f"{login} does not have the correct permissions")
                repo.edit_comment(comment, _body(wanted))
                return {"pullRequestReviewComment": _comment_json(comment)}
    raise _unknown(node)


def _resolving(resolved: bool) -> Callable[..., Json]:
    def resolve(info: Info, **given: Any) -> Json:
        repo, pull, thread = _thread(info, given["input"]["threadId"])
        repo.resolve(pull, thread, resolved, info.context.login)
        return {"thread": _thread_json(repo, pull, thread)}

    return resolve


def _drafting(draft: bool) -> Callable[..., Json]:
    def make(info: Info, **given: Any) -> Json:
        repo, pull = _pull(info, given["input"]["pullRequestId"])
        if draft and "drafts" in repo.forbidden:
            raise Refused("UNPROCESSABLE", "Draft pull requests are not supported in this repository.")
        repo.set_draft(pull, draft, info.context.login)
        return {"pullRequest": _pull_json(repo, pull)}

    return make


def _auto_merge(info: Info, **given: Any) -> Json:
    wanted, login = given["input"], info.context.login
    repo, pull = _pull(info, wanted["pullRequestId"])
    if "auto_merge" in repo.forbidden:
        raise Refused("UNPROCESSABLE", "Auto merge is not allowed for this repository")
    if wanted.get("expectedHeadOid", pull.head_sha) != pull.head_sha:
        raise Refused("UNPROCESSABLE", "Head sha is out of date")
    standing = repo.standing(pull)
    if standing in _NOT_WAITING:  # GitHub says the first two words twice
        raise Refused("UNPROCESSABLE", f"Pull request Pull request is in {_NOT_WAITING[standing]} status")
    message = "\n\n".join(filter(None, (wanted.get("commitHeadline"), wanted.get("commitBody"))))
    repo.set_auto_merge(pull, Merging(_METHODS[wanted["mergeMethod"]], message, login), login)
    return {"actor": {"__typename": "User", "login": login}, "pullRequest": _pull_json(repo, pull)}


_NOT_WAITING = {"clean": "clean", "conflicts": "dirty", "draft": "draft"}
_METHODS: dict[str, MergeMethod] = {"MERGE": "merge", "SQUASH": "squash", "REBASE": "rebase"}
_ROOT: dict[str, Callable[..., Json]] = {
    "viewer": _viewer,
    "repository": _repository,
    "node": _node,
    "addPullRequestReviewThreadReply": _reply,
    "updatePullRequestReviewComment": _edit,
    "resolveReviewThread": _resolving(True),
    "unresolveReviewThread": _resolving(False),
    "convertPullRequestToDraft": _drafting(True),
    "markPullRequestReadyForReview": _drafting(False),
    "enablePullRequestAutoMerge": _auto_merge,
}


# --- finding ----------------------------------------------------------------------------------------------


def _pulls(info: Info) -> list[tuple[Repo, Pull]]:
    return [(repo, pull) for repo in info.context.world.repos for pull in repo.list_pulls()]


def _pull(info: Info, node: str) -> tuple[Repo, Pull]:
    for repo, pull in _pulls(info):
        if f"PR_{pull.id}" == node:
            return repo, pull
    raise _unknown(node)


def _thread(info: Info, node: str) -> tuple[Repo, Pull, Thread]:
    for repo, pull in _pulls(info):
        for thread in pull.threads:
            if f"PRRT_{thread.id}" == node:
                return repo, pull, thread
    raise _unknown(node)


def _unknown(node: str) -> Refused:
    return Refused("NOT_FOUND", f"Could not resolve to a node with the global id of '{node}'")


def _body(given: Json) -> str:
    if len(given["body"]) > BODY_LIMIT:
        raise Refused("UNPROCESSABLE", "body is too long (maximum is 65536 characters)")
    return given["body"]


# --- shapes -----------------------------------------------------------------------------------------------


def _pull_json(repo: Repo, pull: Pull) -> Json:
    threads = _connection([_thread_json(repo, pull, thread) for thread in pull.threads])
    return {"id": f"PR_{pull.id}", "number": pull.number, "isDraft": pull.draft, "reviewThreads": threads}


def _thread_json(repo: Repo, pull: Pull, thread: Thread) -> Json:
    outdated = repo.outdated(pull, thread)
    return {
        "id": f"PRRT_{thread.id}",
        "path": thread.path,
        "line": None if outdated else thread.line,
        "startLine": None if outdated else thread.start_line,
        "isResolved": thread.resolved,
        "isOutdated": outdated,
        "comments": _connection([_comment_json(comment) for comment in thread.comments]),
    }


def _comment_json(comment: Comment) -> Json:
    bot = comment.author.endswith("[bot]")
    who = {"__typename": "Bot" if bot else "User", "login": comment.author.removesuffix("[bot]")}
    return {
        "id": f"PRRC_{comment.id}",
        "fullDatabaseId": str(comment.id),
        "body": comment.body,
        "createdAt": date(comment.created),
        "author": None if comment.author == "ghost" else who,
    }


def _connection(items: Sequence[Json]) -> Callable[..., Json]:
    """A list, of which so many are given at once: 100 at most, and without a number none."""

    def page(_: Info, first: int | None = None, after: str | None = None, **others: object) -> Json:
        if first is None or not 1 <= first <= 100:
            raise Refused("ARGUMENT_LIMIT", f"Requesting {first} records exceeds the `first` limit of 100.")
        start = int(after.partition(":")[2]) if after else 0
        end = min(start + first, len(items))
        more = {"hasNextPage": end < len(items), "endCursor": f"cursor:{end}" if end > start else None}
        return {"nodes": items[start:end], "pageInfo": more, "totalCount": len(items)}

    return page
