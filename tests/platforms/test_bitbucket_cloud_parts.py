"""The parts of Bitbucket Cloud's adapter that need no server: errors, pages, forms, verdicts, and what was
recorded of the real service."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

from tamma.errors import (
    BadCredentials,
    Conflict,
    Forbidden,
    NotFound,
    PlatformError,
    PlatformRateLimited,
    Transient,
)
from tamma.model.repository import (
    Check,
    CheckState,
    CheckSummary,
    MergeCategory,
    Obstacle,
    ReviewEvent,
)
from tamma.platforms.bitbucket_cloud.checks import KEY_LIMIT, is_of_pipeline, key_of, newest, newest_of_names
from tamma.platforms.bitbucket_cloud.ci_models import PipelineAnswer, State, StatusAnswer, state_of
from tamma.platforms.bitbucket_cloud.client import bbql, pages
from tamma.platforms.bitbucket_cloud.errors import DIALECT
from tamma.platforms.bitbucket_cloud.form import form
from tamma.platforms.bitbucket_cloud.merging import closed_state, merge_state
from tamma.platforms.bitbucket_cloud.models import (
    CommentAnswer,
    CommitAnswer,
    Permission,
    PullAnswer,
    RefAnswer,
    RepositoryAnswer,
    User,
)
from tamma.platforms.bitbucket_cloud.talk import conversation, review_mark, threads, verdict_of
from tamma.platforms.common.marks import with_footer
from tamma.platforms.common.names import number_of
from tamma.platforms.http.errors import Answer, error_for
from tamma.platforms.http.messages import Request, Response
from tests.platforms.steps import write
from tests.support.forge.description import specs_folder

RECORDED = specs_folder() / "recorded" / "bitbucket"
needs_recordings = pytest.mark.skipif(not RECORDED.is_dir(), reason=f"the recordings are not at {RECORDED}")


# --- errors -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error", "hint"),
    [
        (400, PlatformError, ""),
        (401, BadCredentials, "e-mail"),
        (402, Forbidden, "plan"),
        (403, Forbidden, "scopes"),
        (404, NotFound, "spelling"),
        (409, Conflict, ""),
        (410, NotFound, "removed"),
        (429, PlatformRateLimited, "waits"),
        (500, Transient, "tried again"),
        (503, Transient, "tried again"),
        (555, Transient, "tried again"),
    ],
)
def test_every_failure_has_its_meaning(status: int, error: type[PlatformError], hint: str) -> None:
    made = error_for(Answer(status, "so", {}, "GET /x", "bitbucket", has_token=True), DIALECT)
    assert type(made) is error
    assert hint in (made.hint or "")
    assert "so" in made.message


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"type": "error", "error": {"message": "Not here"}}, "Not here"),
        ({"type": "error", "error": {"message": "Bad", "detail": "a field"}}, "Bad; a field"),
        (
            {"error": {"message": "No", "detail": {"required": ["a", "b"], "granted": ["c"]}}},
            "No (it needs a, b; the token has c)",
        ),
        (
            {"error": {"message": "No", "detail": {"required": ["a"]}}},
            "No (it needs a; the token has others)",
        ),
        ([], ""),
        ("text", "text"),
    ],
)
def test_reasons_are_read_from_where_they_stand(body: object, said: str) -> None:
    response = Response(403, {"content-type": "application/json"}, json.dumps(body).encode())
    assert DIALECT.reason(response) == said


def test_what_is_no_json_is_its_own_reason() -> None:
    assert DIALECT.reason(Response(500, {"content-type": "text/plain"}, b"so\nit is")) == "so it is"
    assert DIALECT.reason(Response(502, {"content-type": "text/html"}, b"<html>")) == ""


# --- addresses and pages ----------------------------------------------------------------------------------


TWO = {"page": "2", "q": "a=1"}


@pytest.mark.parametrize(
    ("body", "following"),
    [
        (
            {"values": [1], "next": "https://api.bitbucket.org/2.0/x?page=2&q=a%3D1"},
            {"page": "2", "q": "a=1"},
        ),
        ({"values": [1], "next": "https://elsewhere.example/steal?page=zz"}, {"page": "zz"}),
        ({"values": [1], "page": 1, "pagelen": 1, "size": 2}, {"asked": "so", "page": "2"}),
        ({"values": [1], "page": 2, "pagelen": 1, "size": 2}, None),
        ({"values": [], "page": 1, "pagelen": 1, "size": 9}, None),
        ({"values": [1], "pagelen": 10}, None),
        ([], None),
    ],
)
def test_pages_follow_by_their_query_alone(body: object, following: object) -> None:
    request = Request("GET", "/x", {"asked": "so"})
    assert pages(request, Response(200, {}, b""), body) == following


def test_texts_in_filters_are_quoted() -> None:
    assert bbql('a"b\\c') == r'"a\"b\\c"'


@pytest.mark.parametrize("number", ["", "x", "1/2", "-1", "²"])
def test_what_is_no_number_is_not_found(number: str) -> None:
    with pytest.raises(NotFound):
        number_of(number)


def test_a_form_says_what_is_what() -> None:
    changes = [write("dir/message", b"\0\r\n", "100755")]
    body, media = form((("message", "Fix\n\nall"), ("branch", "b")), changes)
    boundary = media.partition("boundary=")[2]
    assert body.endswith(f"--{boundary}--\r\n".encode())
    parts = body.split(f"--{boundary}\r\n".encode())[1:]
    assert parts[0] == b'Content-Disposition: form-data; name="message"\r\n\r\nFix\n\nall\r\n'
    head = 'name="/dir/message"; filename="message"; x-attributes="executable"'
    assert parts[2].startswith(f"Content-Disposition: form-data; {head}\r\n".encode())
    assert b"\r\n\r\n\0\r\n\r\n" in parts[2]


# --- comments ---------------------------------------------------------------------------------------------


def _comment(number: int, **more: object) -> CommentAnswer:
    return CommentAnswer.model_validate({"id": number, **more})


def test_what_answers_a_remark_is_in_its_thread() -> None:
    remark = _comment(1, inline={"path": "a", "to": 2, "from": None})
    said = [
        remark,
        _comment(2, parent={"id": 1}),
        _comment(3, parent={"id": 2}),
        _comment(4),
        _comment(5, parent={"id": 4}),
        _comment(6, parent={"id": 99}, inline={"path": "b", "from": 3}),
        _comment(7, parent={"id": 8}),
        _comment(8, parent={"id": 7}),
    ]
    assert [[each.id for each in thread] for thread in threads(said)] == [[1, 2, 3], [6]]
    assert [each.id for each in conversation(said)] == [4, 5, 7, 8]


@pytest.mark.parametrize("event", list(ReviewEvent))
def test_the_mark_of_a_review_says_its_verdict(event: ReviewEvent) -> None:
    text = with_footer("So.", review_mark("task_1/review", event))
    assert verdict_of(_comment(1, content={"raw": text})) is event
    escaped = text.replace("task_1", "task\\_1")
    assert verdict_of(_comment(1, content={"raw": escaped})) is event
    assert verdict_of(_comment(1, content={"raw": with_footer("So.", "task_1")})) is None


# --- merging ----------------------------------------------------------------------------------------------


def _pull(**more: object) -> PullAnswer:
    return PullAnswer.model_validate({"id": 1, **more})


def _checks(state: CheckState) -> CheckSummary:
    return CheckSummary("s", state, (Check("ci", state),))


CHANGES = [{"state": "changes_requested"}]


@pytest.mark.parametrize(
    ("pull", "category", "reason"),
    [
        ({"state": "MERGED"}, MergeCategory.TERMINAL, "already merged"),
        ({"state": "DECLINED"}, MergeCategory.TERMINAL, "closed"),
        ({"state": "SUPERSEDED"}, MergeCategory.TERMINAL, "closed"),
        ({"queued": True}, MergeCategory.IN_PROGRESS, "queue"),
        ({"draft": True, "mergeable": True}, MergeCategory.RECOVERABLE, "draft"),
    ],
)
def test_what_a_pull_request_says_by_itself(
    pull: dict[str, object], category: MergeCategory, reason: str
) -> None:
    found = closed_state(_pull(**pull))
    assert found is not None
    assert (found.category, reason in found.reason) == (category, True)


@pytest.mark.parametrize(
    ("pull", "conflicts", "checks", "category", "reason"),
    [
        ({"mergeable": True}, [], None, MergeCategory.READY, "can be merged"),
        ({"mergeable": None}, [], None, MergeCategory.READY, "can be merged"),
        ({}, [], None, MergeCategory.READY, "can be merged"),
        ({"mergeable": True}, ["a", "b"], None, MergeCategory.RECOVERABLE, "a, b"),
        ({"mergeable": False}, [], CheckState.FAILURE, MergeCategory.RECOVERABLE, "check failed"),
        ({"mergeable": False}, [], CheckState.PENDING, MergeCategory.IN_PROGRESS, "running"),
        (
            {"mergeable": False, "participants": CHANGES},
            [],
            CheckState.SUCCESS,
            MergeCategory.RECOVERABLE,
            "changes",
        ),
        ({"mergeable": False}, [], CheckState.NONE, MergeCategory.RECOVERABLE, "approval"),
    ],
)
def test_what_stands_in_the_way(
    pull: dict[str, object],
    conflicts: list[str],
    checks: CheckState | None,
    category: MergeCategory,
    reason: str,
) -> None:
    assert closed_state(_pull(**pull)) is None
    found = merge_state(_pull(**pull), conflicts, _checks(checks) if checks else None)
    assert (found.category, reason in found.reason) == (category, True)
    assert found.obstacle is (Obstacle.CONFLICT if conflicts else None)


# --- checks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"name": "PENDING"}, CheckState.PENDING),
        ({"name": "PARSING"}, CheckState.PENDING),
        ({"name": "IN_PROGRESS", "stage": {"name": "RUNNING"}}, CheckState.PENDING),
        ({"name": "IN_PROGRESS", "stage": {"name": "HALTED"}}, CheckState.PENDING),
        ({"name": "IN_PROGRESS", "stage": {"name": "PAUSED"}}, CheckState.SUCCESS),
        ({"name": "COMPLETED", "result": {"name": "SUCCESSFUL"}}, CheckState.SUCCESS),
        ({"name": "COMPLETED", "result": {"name": "NOT_RUN"}}, CheckState.SUCCESS),
        ({"name": "COMPLETED", "result": {"name": "FAILED"}}, CheckState.FAILURE),
        ({"name": "COMPLETED", "result": {"name": "ERROR"}}, CheckState.FAILURE),
        ({"name": "COMPLETED", "result": {"name": "STOPPED"}}, CheckState.FAILURE),
        ({"name": "COMPLETED", "result": {"name": "EXPIRED"}}, CheckState.FAILURE),
        ({}, CheckState.PENDING),
        (None, CheckState.PENDING),
    ],
)
def test_states_of_pipelines(state: dict[str, object] | None, expected: CheckState) -> None:
    assert state_of(None if state is None else State.model_validate(state)) is expected


def _pipeline(number: int, pattern: str = "", branch: str = "b") -> PipelineAnswer:
    selector = {"type": "custom" if pattern else "default", "pattern": pattern}
    target = {"ref_name": branch, "selector": selector}
    return PipelineAnswer.model_validate({"uuid": str(number), "build_number": number, "target": target})


def test_of_each_definition_and_branch_the_newest_pipeline_counts() -> None:
    found = newest([_pipeline(4), _pipeline(1), _pipeline(3, "deploy"), _pipeline(2, branch="c")])
    assert sorted(each.build_number for each in found) == [2, 3, 4]


def _status(key: str, name: str, url: str = "") -> StatusAnswer:
    return StatusAnswer(key=key, state="SUCCESSFUL", name=name, url=url)


def test_what_pipelines_say_of_themselves_is_known() -> None:
    web = "https://bitbucket.org/o/r"
    assert is_of_pipeline(_status("1", "x", f"{web}/addon/pipelines/home#!/results/4"))
    assert is_of_pipeline(_status("1", "x", f"{web}/pipelines/results/4"))
    assert is_of_pipeline(_status("1", "Pipeline #4 for main"))
    assert not is_of_pipeline(_status("1", "Pipelines", "https://ci.example/results/4"))
    old, new = _status("1", "Pipeline #9 for main"), _status("2", "Pipeline #10 for main")
    others = [_status("a", "same"), _status("b", "same"), _status("3", "Pipeline #9 for dev")]
    assert newest_of_names([new, *others, old]) == [new, *others]


def test_keys_are_short_and_differ() -> None:
    assert key_of("ci / build") == "ci / build"
    keys = {key_of("n" * 60), key_of("n" * 61), key_of("n" * KEY_LIMIT)}
    assert [len(key) for key in keys] == [KEY_LIMIT] * 3


def test_a_pipeline_of_a_pull_request_is_asked_for_as_it_was() -> None:
    target: dict[str, Any] = {
        "type": "pipeline_pullrequest_target",
        "source": "head",
        "destination": "main",
        "destination_commit": {"hash": "d" * 40, "links": {}, "type": "commit"},
        "pullrequest": {"id": 3, "title": "t", "links": {}, "type": "pullrequest"},
        "commit": {"hash": "c" * 40, "links": {}},
        "selector": {"type": "pull-requests", "pattern": "**"},
    }
    run = PipelineAnswer.model_validate({"uuid": "{x}", "target": target})
    assert run.branch == "head"
    assert run.target.again() == {
        **target,
        "destination_commit": {"hash": "d" * 40},
        "pullrequest": {"id": 3},
        "commit": {"type": "commit", "hash": "c" * 40},
    }


# --- recorded ---------------------------------------------------------------------------------------------


def _recorded(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_bytes())


@needs_recordings
@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("branch", RefAnswer),
        ("branches", RefAnswer),
        ("tag", RefAnswer),
        ("commit", CommitAnswer),
        ("pr", PullAnswer),
        ("prs", PullAnswer),
        ("prcomment", CommentAnswer),
        ("repos", RepositoryAnswer),
        ("repo_as_list", RepositoryAnswer),
        ("repos_filter", RepositoryAnswer),
        ("status", StatusAnswer),
        ("user", User),
        ("user_repo_perm_admin", Permission),
        ("user_repo_perm_read", Permission),
        ("workspace_repo_perms_read", Permission),
    ],
)
def test_recorded_answers_are_understood(name: str, model: type[BaseModel]) -> None:
    """What a model names is what the service sent, null or not."""
    found = _recorded(name)
    items: list[dict[str, Any]] = found.get("values", [found])
    for item in items:
        read = model.model_validate(item).model_dump(by_alias=True)
        for field, value in read.items():
            if isinstance(value, str | bool | int) and item.get(field) is not None:
                assert item[field] == value, field


@needs_recordings
def test_a_recorded_pull_request_is_shown_whole() -> None:
    pull = PullAnswer.model_validate(_recorded("pr"))
    shown = pull.pull_request("h" * 40, None)
    assert (shown.number, shown.state, shown.author) == ("4982", "open", "Lachlan")
    assert shown.head.startswith("Lachlan-Vass/")
    assert shown.body == "IOS date picker component duplicate March issue"
    assert shown.url == "https://bitbucket.org/atlassian/atlaskit/pull-requests/4982"
    assert (pull.source.hash, pull.from_here) == ("31c54529bd80", False)


@needs_recordings
def test_a_recorded_refusal_says_why() -> None:
    response = Response(404, {}, (RECORDED / "error.json").read_bytes())
    assert DIALECT.reason(response) == "Repository dev/null not found"
