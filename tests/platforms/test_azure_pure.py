"""Azure DevOps' decisions that need no server: errors, addresses, texts, states, policies, recordings."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamma.errors import (
    BadCredentials,
    ConfigError,
    Conflict,
    Forbidden,
    NotFound,
    PlatformError,
    PlatformRateLimited,
    StaleHead,
    Transient,
)
from tamma.model.repository import CheckState, IssueFilter, MergeCategory, Obstacle, RepoRef, ReviewEvent
from tamma.platforms.azure.address import (
    collection_of,
    identities_of,
    place_of,
    without_user,
)
from tamma.platforms.azure.diffs import unified
from tamma.platforms.azure.errors import dialect
from tamma.platforms.azure.markup import to_html, to_markdown
from tamma.platforms.azure.models import (
    CommitAnswer,
    ItemAnswer,
    PushAnswer,
    RefAnswer,
    RefUpdates,
    RepositoryAnswer,
    TreeAnswer,
)
from tamma.platforms.azure.policies import EvaluationAnswer, merge_state, policy_checks
from tamma.platforms.azure.pullrequests import PullAnswer
from tamma.platforms.azure.runs import StatusAnswer, TimelineAnswer, build_state, context_of
from tamma.platforms.azure.threads import ThreadAnswer
from tamma.platforms.azure.workitems import StateAnswer, TypeAnswer, WorkItemAnswer, way, wiql
from tamma.platforms.http.errors import Answer, error_for
from tamma.platforms.http.messages import Response
from tests.support.forge.description import specs_folder

RECORDED = specs_folder() / "recorded" / "azure"


# --- errors -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "TF401175: The version descriptor could not be resolved (GitUnresolvableToCommit)", NotFound),
        (400, "The api-version 7.1 is out of range (VssVersionOutOfRangeException)", PlatformError),
        (400, "TF401347: Invalid transition (RuleValidationException)", PlatformError),
        (401, "TF400813: The user is not authorized to access this resource.", BadCredentials),
        (401, "", BadCredentials),
        (403, "VS30063: You are not authorized to access https://dev.azure.com", BadCredentials),
        (403, "TF401027: You need the Git 'GenericContribute' permission", Forbidden),
        (403, "TF402455: Pushes to this branch are not permitted", Forbidden),
        (403, "TF401014: the repository is disabled", Forbidden),
        (403, "", Forbidden),
        (404, "TF401019: The Git repository does not exist (GitRepositoryNotFoundException)", NotFound),
        (404, "TF200016: The following project does not exist", NotFound),
        (404, "TF401232: Work item 1 does not exist (WorkItemUnauthorizedAccessException)", NotFound),
        (409, "TF401179: An active pull request already exists (GitPullRequestExistsException)", Conflict),
        (409, "TF401028: The reference has already been updated by another client", StaleHead),
        (409, "TF401192: the branch has been updated (GitPullRequestStaleException)", StaleHead),
        (409, "TF401181: The pull request cannot be edited due to its state.", Conflict),
        (412, "VS403351: Test Operation for path /rev failed (TestPatchOperationFailedException)", Transient),
        (400, "TF26071: This work item has been changed by someone else", Transient),
        (429, "", PlatformRateLimited),
        (503, "TF400733: The request has been canceled: exceeding usage of resource", PlatformRateLimited),
        (500, "TF400898: An Internal Error Occurred.", Transient),
        (503, "", Transient),
        (203, "", BadCredentials),
    ],
)
def test_what_statuses_and_exceptions_mean(status: int, message: str, kind: type[PlatformError]) -> None:
    answer = Answer(status, message, {}, "GET /o/p/_apis/x", "azure", has_token=True)
    error = error_for(answer, dialect())
    assert type(error) is kind
    assert error.platform == "azure"
    assert "GET /o/p/_apis/x" in error.message


def test_an_exceptions_name_is_part_of_the_reason() -> None:
    body = {"$id": "1", "message": "TF401179: It exists.", "typeKey": "GitPullRequestExistsException"}
    reason = dialect().reason(Response(409, {"content-type": "application/json"}, json.dumps(body).encode()))
    assert reason == "TF401179: It exists. (GitPullRequestExistsException)"
    assert dialect().reason(Response(502, {"content-type": "text/html"}, b"<html>")) == ""


def test_an_old_server_is_told_by_what_it_refuses() -> None:
    answer = Answer(400, "(VssVersionOutOfRangeException)", {}, "GET /x", "azure", has_token=True)
    assert "apiVersion" in (error_for(answer, dialect()).hint or "")


# --- addresses --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "owner", "path"),
    [
        ("https://dev.azure.com", "acme/My Project", "/acme/My%20Project/_apis"),
        ("https://dev.azure.com/acme", "My Project", "/My%20Project/_apis"),
        ("https://dev.azure.com/acme", "acme/Grüße", "/Gr%C3%BC%C3%9Fe/_apis"),
        ("https://acme.visualstudio.com", "acme/p", "/p/_apis"),
        ("https://tfs.example/tfs/Default Collection", "p", "/p/_apis"),
        ("https://tfs.example/tfs/Default%20Collection", "Default Collection/p", "/p/_apis"),
        ("https://tfs.example/tfs", "Other/p", "/Other/p/_apis"),
    ],
)
def test_a_project_is_found_below_every_base_address(base: str, owner: str, path: str) -> None:
    place = place_of(base, RepoRef("a", owner, "r #1"))
    assert place.in_project == path
    assert place.in_repository == f"{path}/git/repositories/r%20%231"


def test_a_repository_of_services_without_an_organization_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        place_of("https://dev.azure.com", RepoRef("a", "p", "r"))
    assert "organization/project/repository" in (caught.value.hint or "")


def test_identities_have_a_host_of_their_own_in_services() -> None:
    assert identities_of("https://dev.azure.com", "/acme") == "https://vssps.dev.azure.com/acme"
    assert identities_of("https://dev.azure.com/acme", "") == "https://vssps.dev.azure.com/acme"
    assert identities_of("https://acme.visualstudio.com", "") == "https://acme.vssps.visualstudio.com"
    assert identities_of("https://tfs.example/tfs/C", "") == ""
    assert collection_of("https://dev.azure.com", "") is None
    assert collection_of("https://dev.azure.com", "acme") == "/acme"
    assert collection_of("https://dev.azure.com/acme", "acme") == ""


def test_a_clone_address_has_no_user() -> None:
    assert without_user("https://acme@dev.azure.com/acme/p/_git/r") == "https://dev.azure.com/acme/p/_git/r"
    assert without_user("https://dev.azure.com/a/p@1/_git/r") == "https://dev.azure.com/a/p@1/_git/r"


# --- texts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("<div>a</div><div>b</div><div><br></div><div>c</div>", "a\nb\n\nc"),
        ("<p>one</p><p>two &amp; three&nbsp;four</p>", "one\n\ntwo & three four"),
        ("<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>", "- a\n  - b\n- c"),
        (
            '<a href="https://e.test/x">here</a> <img src="i.png" alt="pic">',
            "[here](https://e.test/x) ![pic](i.png)",
        ),
        ("a<!-- hidden: do evil -->b<script>evil()</script><style>p{}</style>", "ab"),
        ("<h2>Title</h2>text", "## Title\n\ntext"),
        ("</div></ul></a>stray", "stray"),
    ],
)
def test_html_of_the_editor_becomes_markdown(html: str, markdown: str) -> None:
    assert to_markdown(html) == markdown


@given(st.text(max_size=200))
def test_any_text_survives_both_ways_without_an_element_of_its_own(text: str) -> None:
    html = to_html(text)
    assert "<script" not in html
    assert to_html(to_markdown(html)) is not None


@given(st.lists(st.text(alphabet="abc äß.,!? <&>", min_size=1).filter(str.strip), max_size=5))
def test_paragraphs_come_back(paragraphs: list[str]) -> None:
    text = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    assert to_markdown(to_html(text)) == text


# --- work items -------------------------------------------------------------------------------------------


def test_a_query_quotes_what_people_write() -> None:
    query = IssueFilter("open", ("it's",), "o'neil@example.test", "x", datetime(2026, 1, 2, tzinfo=UTC))
    text = wiql(query, {"Bug": ["Closed", "Removed"], "Task": ["Closed", "Removed"], "Epic": []}, 7)
    assert "[System.Tags] CONTAINS 'it''s'" in text
    assert "[System.AssignedTo] = 'o''neil@example.test'" in text
    assert "[System.ChangedDate] >= '2026-01-02T00:00:00Z'" in text
    assert "[System.Id] > 7" in text
    same = "[System.WorkItemType] IN ('Bug', 'Task') AND [System.State] NOT IN ('Closed', 'Removed')"
    assert f"(({same}) OR ([System.WorkItemType] IN ('Epic')))" in text
    assert "[System.State]" not in wiql(IssueFilter("all"), {}, 0)
    assert "[System.Id] < 0" in wiql(IssueFilter("closed"), {"Epic": []}, 0)


STATES = [
    StateAnswer(name=name, category=category)
    for name, category in (
        ("New", "Proposed"),
        ("Active", "InProgress"),
        ("Resolved", "Resolved"),
        ("Closed", "Completed"),
        ("Done", "Completed"),
    )
]


def _type(**transitions: list[str]) -> TypeAnswer:
    made = {start: [{"to": end} for end in ends] for start, ends in transitions.items()}
    return TypeAnswer.model_validate({"name": "Bug", "transitions": made})


@pytest.mark.parametrize(
    ("transitions", "start", "closed", "expected"),
    [
        ({}, "New", True, ("Closed",)),
        ({"New": ["New", "Active"], "Active": ["Closed"]}, "New", True, ("Active", "Closed")),
        ({"New": ["Done", "Closed"]}, "New", True, ("Closed",)),
        ({"New": ["Active"], "Active": ["New"]}, "New", True, ()),
        ({"New": ["Active"], "Active": ["Resolved"]}, "New", True, ("Active", "Resolved")),
        ({"Closed": ["Active"]}, "Closed", False, ("Active",)),
        ({"Closed": ["New", "Active"]}, "Closed", False, ("New",)),
    ],
)
def test_states_are_walked_the_shortest_way(
    transitions: dict[str, list[str]], start: str, closed: bool, expected: tuple[str, ...]
) -> None:
    assert way(_type(**transitions), STATES, start, closed=closed) == expected


# --- threads ----------------------------------------------------------------------------------------------


Range = tuple[tuple[int, int], tuple[int, int]]


def _at(prefix: str, where: Range) -> dict[str, Any]:
    first, last = ({"line": line, "offset": offset} for line, offset in where)
    return {f"{prefix}FileStart": first, f"{prefix}FileEnd": last}


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize(
    ("before", "now", "line", "outdated"),
    [
        (None, ((3, 1), (3, 9)), 3, False),
        (((3, 1), (3, 9)), ((5, 1), (5, 9)), 5, False),
        (((3, 1), (3, 9)), ((3, 1), (3, 2147483647)), 3, False),
        (((3, 1), (3, 9)), ((2, 1), (2, 1)), None, True),
        (((3, 1), (3, 1)), ((2, 1), (2, 1)), 2, False),
    ],
)
def test_a_thread_whose_lines_are_gone_is_outdated(
    before: Range | None, now: Range, line: int | None, outdated: bool, side: str
) -> None:
    tracking = {"trackingCriteria": _at(f"orig{side.title()}", before)} if before else {}
    answer: dict[str, Any] = {
        "id": 1,
        "threadContext": {"filePath": "/src/app.py", **_at(side, now)},
        "pullRequestThreadContext": {"changeTrackingId": 1, **tracking},
    }
    thread = ThreadAnswer.model_validate(answer).thread(())
    assert (thread.path, thread.line, thread.outdated) == ("src/app.py", line, outdated)


@pytest.mark.parametrize("value", ["approve", {"$type": "System.String", "$value": "approve"}])
def test_properties_are_read_in_both_forms(value: Any) -> None:
    answer = {"id": 1, "properties": {"Tamma.ReviewEvent": value}}
    assert ThreadAnswer.model_validate(answer).review_event is ReviewEvent.APPROVE
    assert ThreadAnswer.model_validate({"id": 1, "properties": {"Tamma.ReviewEvent": 5}}).review_event is None


# --- policies and builds ----------------------------------------------------------------------------------

_BUILD = "0609B952-1397-4640-95EC-E00A01B2C241"


def _rule(status: str, kind: str = _BUILD, blocking: bool = True, **settings: Any) -> EvaluationAnswer:
    configuration = {
        "isBlocking": blocking,
        "isEnabled": True,
        "settings": settings,
        "type": {"id": kind, "displayName": "A rule"},
    }
    return EvaluationAnswer.model_validate({"status": status, "configuration": configuration})


@pytest.mark.parametrize(
    ("fields", "rules", "category"),
    [
        ({"mergeStatus": "succeeded"}, [], MergeCategory.READY),
        ({"mergeStatus": "queued"}, [], MergeCategory.IN_PROGRESS),
        ({}, [], MergeCategory.IN_PROGRESS),
        ({"mergeStatus": "conflicts"}, [], MergeCategory.RECOVERABLE),
        ({"mergeStatus": "failure", "mergeFailureMessage": "too large"}, [], MergeCategory.RECOVERABLE),
        ({"mergeStatus": "succeeded", "isDraft": True}, [], MergeCategory.RECOVERABLE),
        ({"mergeStatus": "rejectedByPolicy"}, [], MergeCategory.RECOVERABLE),
        ({"mergeStatus": "rejectedByPolicy"}, [_rule("approved")], MergeCategory.READY),
        ({"mergeStatus": "succeeded"}, [_rule("running")], MergeCategory.IN_PROGRESS),
        ({"mergeStatus": "succeeded"}, [_rule("queued", manualQueueOnly=True)], MergeCategory.RECOVERABLE),
        ({"mergeStatus": "succeeded"}, [_rule("running", "people")], MergeCategory.RECOVERABLE),
        ({"mergeStatus": "succeeded"}, [_rule("running"), _rule("rejected")], MergeCategory.RECOVERABLE),
        ({"mergeStatus": "succeeded"}, [_rule("rejected", blocking=False)], MergeCategory.READY),
        ({"mergeStatus": "succeeded"}, [_rule("notApplicable")], MergeCategory.READY),
        ({"mergeStatus": "succeeded", "status": "completed"}, [], MergeCategory.TERMINAL),
        ({"mergeStatus": "queued", "status": "completed"}, [], MergeCategory.IN_PROGRESS),
        ({"mergeStatus": "succeeded", "status": "abandoned"}, [], MergeCategory.TERMINAL),
    ],
)
def test_what_stands_between_a_pull_request_and_its_merge(
    fields: dict[str, Any], rules: list[EvaluationAnswer], category: MergeCategory
) -> None:
    pull = PullAnswer.model_validate({"pullRequestId": 1, "status": "active", **fields})
    state = merge_state(pull, rules)
    assert state.category is category
    assert state.reason
    assert (state.obstacle is Obstacle.CONFLICT) is ("it conflicts" in state.reason)


def test_policies_that_await_machines_are_checks_unless_they_report_themselves() -> None:
    rules = [
        _rule("queued", displayName="PR build"),
        _rule("running", "people"),
        _rule("running", displayName="known"),
    ]
    [check] = policy_checks(rules, {"known"}, set())
    assert (check.name, check.state) == ("PR build", CheckState.PENDING)


@pytest.mark.parametrize(
    ("status", "result", "state"),
    [
        ("notStarted", "", CheckState.PENDING),
        ("inProgress", "", CheckState.PENDING),
        ("cancelling", "", CheckState.PENDING),
        ("completed", "succeeded", CheckState.SUCCESS),
        ("completed", "partiallySucceeded", CheckState.SUCCESS),
        ("completed", "failed", CheckState.FAILURE),
        ("completed", "canceled", CheckState.FAILURE),
        ("completed", "none", CheckState.FAILURE),
    ],
)
def test_builds_have_one_of_three_states(status: str, result: str, state: CheckState) -> None:
    assert build_state(status, result) is state


@given(st.text(min_size=1).filter(lambda name: name.strip("/") == name))
def test_a_status_has_the_name_it_was_given(name: str) -> None:
    assert StatusAnswer.model_validate({"context": context_of(name)}).name == name


def test_a_job_that_runs_has_the_log_of_its_newest_step() -> None:
    records = [
        {"id": "j", "type": "Job", "state": "inProgress"},
        {"id": "1", "type": "Task", "parentId": "j", "order": 1, "log": {"id": 4}},
        {"id": "2", "type": "Task", "parentId": "j", "order": 2, "log": {"id": 5}},
        {"id": "3", "type": "Task", "parentId": "j", "order": 3},
    ]
    assert TimelineAnswer.model_validate({"records": records}).log_of("j") == 5
    assert TimelineAnswer.model_validate({"records": records[:1]}).log_of("j") is None


async def test_a_difference_beyond_all_bounds_says_so() -> None:
    async def read_tree(sha: str) -> TreeAnswer:
        entries = [
            {"objectId": f"{sha}{number}", "relativePath": f"{number}", "mode": "100644"}
            for number in range(1001)
        ]
        return TreeAnswer.model_validate({"treeEntries": entries})

    async def read_blob(sha: str) -> bytes:
        return b""

    with pytest.raises(PlatformError) as caught:
        await unified("a", "b", read_tree, read_blob)
    assert "git diff" in (caught.value.hint or "")


# --- recordings -------------------------------------------------------------------------------------------


def _recorded(name: str) -> Any:
    path: Path = RECORDED / name
    if not path.is_file():
        pytest.skip(f"the recorded answers are not in {RECORDED}: set TAMMA_TEST_SPECS")
    return json.loads(path.read_bytes())


def test_recorded_answers_are_read() -> None:
    refs = [RefAnswer.model_validate(item) for item in _recorded("branches_filter.json")["value"]]
    assert [ref.name for ref in refs] == ["refs/heads/main", "refs/heads/main-patch"]
    [made] = RefUpdates.model_validate(_recorded("branch_create.json")).value
    assert (made.success, made.update_status) == (True, "succeeded")
    commits = [CommitAnswer.model_validate(item) for item in _recorded("commits.json")["value"]]
    assert commits[0].comment == "go-scm delete crud file"
    assert commits[0].committer.date == datetime(2022, 3, 4, 12, 19, 58, tzinfo=UTC)
    item = ItemAnswer.model_validate(_recorded("content.json"))
    assert (item.object_id, item.git_object_type) == ("0ca446aab9d09eac8625b53e3df8da661976c458", "blob")
    for name in ("content_update.json", "content_delete.json"):
        assert len(PushAnswer.model_validate(_recorded(name)).commits[0].commit_id) == 40
    repos = [RepositoryAnswer.model_validate(item) for item in _recorded("repos.json")["value"]]
    assert all(repo.id and repo.name and repo.project.id for repo in repos)


EXAMPLES = specs_folder() / "azure" / "examples"


@pytest.mark.parametrize(
    ("pattern", "model"),
    [
        ("git/**/pullRequests/*.json", PullAnswer),
        ("git/**/trees/*.json", TreeAnswer),
        ("git/**/repositories/GET*.json", RepositoryAnswer),
        ("wit/**/workItems/PATCH*.json", WorkItemAnswer),
    ],
)
def test_published_examples_are_read(pattern: str, model: type[Any]) -> None:
    paths = sorted(EXAMPLES.glob(pattern))
    if not paths:
        pytest.skip(f"the published examples are not in {EXAMPLES}: set TAMMA_TEST_SPECS")
    read = 0
    for path in paths:
        for answer in json.loads(path.read_bytes())["responses"].values():
            body: Any = answer.get("body")
            for item in body.get("value", [body]) if body else ():
                model.model_validate(item)
                read += 1
    assert read >= len(paths)
