"""The testbed itself: that it sees what is not as described, counts what is done, and fails as it is told."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tamma.errors import Conflict, Forbidden, StaleHead
from tests.support.forge.calls import ApiError, Call, Reply, Routes
from tests.support.forge.description import Description, specs_folder
from tests.support.forge.face import TOKEN, Face
from tests.support.forge.faults import CrashKind
from tests.support.forge.repository import Repo
from tests.support.forge.server import ApiServer
from tests.support.forge.transport import read_request
from tests.support.forge.world import World

# --- a platform of our own, so small that it is seen through ------------------------------------------------

_ISSUE = {
    "type": "object",
    "required": ["title"],
    "properties": {"title": {"type": "string"}, "number": {"type": "integer"}, "body": {"type": "string"}},
}
_REF = {"$ref": "#/definitions/Issue"}
TOY = {
    "swagger": "2.0",
    "basePath": "/api/v9",
    "definitions": {"Issue": _ISSUE},
    "paths": {
        "/repos/{owner}/{repo}/issues": {
            "parameters": [{"name": "owner", "in": "path"}, {"name": "repo", "in": "path"}],
            "get": {
                "parameters": [
                    {"name": "limit", "in": "query", "type": "integer"},
                    {"name": "version", "in": "query", "type": "string", "required": True},
                ],
                "responses": {"200": {"schema": {"type": "array", "items": _REF}}},
            },
            "post": {
                "consumes": ["application/json"],
                "parameters": [
                    {
                        "name": "body",
                        "in": "body",
                        "required": True,
                        "schema": {"$ref": "#/definitions/Issue"},
                    }
                ],
                "responses": {"201": {"schema": _REF}},
            },
        },
        "/files/{path}": {"get": {"responses": {"200": {"schema": {"type": "file"}}}}},
    },
}
ROUTES = Routes()
_ISSUES = "/repos/{owner}/{repo}/issues"


@ROUTES(f"GET {_ISSUES}")
def _list(call: Call) -> Reply:
    repo = call.world.require(call.at["owner"], call.at["repo"])
    return Reply(200, [{"title": issue.title, "body": issue.body} for issue in repo.issues.values()])


@ROUTES(f"POST {_ISSUES}")
def _create(call: Call) -> Reply:
    if call.body["title"] == "refused":
        raise ApiError(403, "Not that one")
    issue = call.world.require(call.at["owner"], call.at["repo"]).add_issue(call.body["title"])
    extra = {"colour": "red"} if issue.title == "odd" else {}
    return Reply(201, {"title": issue.title, "number": issue.number, **extra})


@ROUTES("GET /files/{path}")
def _file(call: Call) -> Reply:
    return Reply(200, call.at["path"])


@ROUTES("POST /graphql", undescribed="no description has it")
def _graphql(call: Call) -> Reply:
    return Reply(200, {"you": call.login})


@dataclass
class Toy:
    server: ApiServer

    @property
    def world(self) -> World:
        return self.server.world

    def ask(self, method: str, path: str, body: object = None, token: str = TOKEN) -> tuple[int, Any]:
        """Raises HTTPException or OSError where no answer comes."""
        address = urlsplit(self.server.url)
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=5)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        is_json = "json" in (answer.headers["Content-Type"] or "")
        return answer.status, json.loads(text) if is_json else text


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Toy]:
    path = tmp_path / "toy.json"
    path.write_text(json.dumps(TOY))
    face = Face("toy", ROUTES, [Description(path, slashes=("path",))])
    with ApiServer(World(tmp_path / "world"), face) as server:
        yield Toy(server)


LIST, CREATE = "/api/v9/repos/octo/hello/issues?version=1", "/api/v9/repos/octo/hello/issues"


def test_what_is_as_described_is_no_violation(toy: Toy) -> None:
    assert toy.ask("POST", CREATE, {"title": "a"}) == (201, {"title": "a", "number": 1})
    # What is not there is null in Go's JSON, though Swagger 2.0 cannot say so.
    assert toy.ask("GET", f"{LIST}&limit=3") == (200, [{"title": "a", "body": None}])
    assert toy.ask("GET", "/api/v9/files/a%2Fb/c%20d") == (200, "a/b/c d")
    assert toy.ask("POST", "/graphql", {"query": "{}"}) == (200, {"you": "tamma-bot"})
    assert toy.server.violations == []


@pytest.mark.parametrize(
    ("method", "path", "body", "violation"),
    [
        ("GET", "/api/v9/nothing", None, "there is no such operation"),
        ("GET", "/other/files/a", None, "there is no such operation"),
        ("DELETE", CREATE, None, "there is no such operation"),
        ("GET", f"{LIST}&state=open", None, "the query parameter 'state' is not described"),
        ("GET", f"{LIST}&limit=many", None, "'many' is not of type 'integer'"),
        ("GET", CREATE, None, "the query parameter 'version' is missing"),
        ("GET", LIST, {"title": "a"}, "a body is not described"),
        ("POST", CREATE, None, "the body is missing"),
        ("POST", CREATE, {"title": 7}, "7 is not of type 'string'"),
        ("POST", CREATE, {"titel": "a", "title": "b"}, "the field 'titel' is not described"),
        ("POST", CREATE, {"title": "odd"}, "-> 201: the field 'colour' is not described"),
    ],
)
def test_what_is_not_as_described_is_seen(
    toy: Toy, method: str, path: str, body: object, violation: str
) -> None:
    toy.ask(method, path, body)
    assert any(violation in found for found in toy.server.violations), toy.server.violations


def test_bad_credentials_and_refusals_change_nothing(toy: Toy) -> None:
    assert toy.ask("POST", CREATE, {"title": "a"}, token="canary-of-nobody")[0] == 401
    assert toy.ask("POST", CREATE, {"title": "refused"}) == (403, {"message": "Not that one"})
    assert toy.ask("GET", "/api/v9/repos/no/body/issues?version=1")[0] == 404
    assert (toy.world.effects, toy.world.hello.issues, toy.server.violations) == ({}, {}, [])
    assert "canary" not in repr(toy.server.log)
    assert [logged.status for logged in toy.server.log] == [401, 403, 404]


@pytest.mark.parametrize(
    ("kind", "done", "answered"), [("lose_answer", 2, None), ("fail_after", 2, 502), ("fail_before", 1, 502)]
)
def test_the_nth_change_ends_badly(toy: Toy, kind: CrashKind, done: int, answered: int | None) -> None:
    toy.server.arm(kind, 1)
    assert toy.ask("POST", CREATE, {"title": "first"})[0] == 201
    toy.ask("GET", LIST)
    if answered is None:
        with pytest.raises((http.client.HTTPException, OSError)):
            toy.ask("POST", CREATE, {"title": "second"})
    else:
        assert toy.ask("POST", CREATE, {"title": "second"})[0] == answered
    assert toy.world.effects == {"issue": done}
    assert toy.server.crash is not None
    assert toy.server.crash.struck
    assert toy.ask("POST", CREATE, {"title": "third"})[0] == 201
    assert (toy.server.writes, toy.server.changes) == (3, done + 1)


def test_faults_strike_as_often_as_asked(toy: Toy) -> None:
    toy.server.rate_limited(2, retry_after=3)
    assert [toy.ask("GET", LIST)[0] for _ in range(3)] == [429, 429, 200]
    toy.server.fail("POST", "/issues$", "error_after")
    assert toy.ask("GET", LIST)[0] == 200
    assert toy.ask("POST", CREATE, {"title": "a"})[0] == 502
    toy.server.fail("GET", "", "no_connection")
    with pytest.raises((http.client.HTTPException, OSError)):
        toy.ask("GET", LIST)
    assert toy.ask("GET", LIST) == (200, [{"title": "a", "body": None}])


def test_what_people_do_is_not_counted(toy: Toy) -> None:
    toy.world.hello.add_issue("theirs")
    assert toy.world.effects == {}
    toy.ask("POST", CREATE, {"title": "ours"})
    assert toy.world.effects == {"issue": 1}


def test_bodies_of_forms_are_read() -> None:
    boundary = "x" * 8
    raw = (
        (
            f'--{boundary}\r\nContent-Disposition: form-data; name="message"\r\n\r\ngrüße\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="täst/a.bin"; filename="a.bin"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode()
        + b"\0\xff\r\n\n"
        + f"\r\n--{boundary}--\r\n".encode()
    )
    headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
    request = read_request("POST", "/src?a=1&a=2&b=", headers, raw)
    assert [(part.name, part.content) for part in request.parts] == [
        ("message", "grüße".encode()),
        ("täst/a.bin", b"\0\xff\r\n\n"),
    ]
    assert request.query == [("a", "1"), ("a", "2"), ("b", "")]
    headers = {"content-type": "application/x-www-form-urlencoded"}
    request = read_request("POST", "/src", headers, b"a=%2B+1&a=2")
    assert [(part.name, part.text) for part in request.parts] == [("a", "+ 1"), ("a", "2")]


# --- the world --------------------------------------------------------------------------------------------

Deed = Callable[[Repo], object]
DEEDS: dict[str, Deed] = {
    "push": lambda repo: repo.push("main", "a.txt", b"x"),
    "branch": lambda repo: repo.create_branch("other", str(repo.branch("main"))),
    "branch gone": lambda repo: repo.delete_branch("work"),
    "issue": lambda repo: repo.add_issue("t"),
    "title": lambda repo: repo.edit(repo.issue(1), title="new"),
    "closed": lambda repo: repo.close(repo.issue(1)),
    "label": lambda repo: repo.add_label(repo.issue(1), "bug"),
    "label made": lambda repo: repo.make_label("bug"),
    "assigned": lambda repo: repo.assign(repo.issue(1), ["reader"]),
    "comment": lambda repo: repo.comment(repo.issue(1), "hello"),
    "comment edited": lambda repo: repo.edit_comment(repo.issue(1).comments[0], "edited"),
    "pull edited": lambda repo: repo.edit(repo.pull(2), body="new"),
    "draft": lambda repo: repo.set_draft(repo.pull(2), True),
    "reviewer": lambda repo: repo.set_reviewers(repo.pull(2), ["reader"]),
    "review": lambda repo: repo.review(repo.pull(2), "approve"),
    "remark": lambda repo: repo.remark(repo.pull(2), "work.txt", 1, "why"),
    "reply": lambda repo: repo.reply(repo.pull(2), repo.pull(2).threads[0], "so"),
    "thread resolved": lambda repo: repo.resolve(repo.pull(2), repo.pull(2).threads[0]),
    "merged": lambda repo: repo.merge(repo.pull(2)),
    "squashed": lambda repo: repo.merge(repo.pull(2), "squash"),
    "pull closed": lambda repo: repo.close(repo.pull(2)),
    "status": lambda repo: repo.set_status(str(repo.branch("main")), "s", "success"),
    "run": lambda repo: repo.start_run("main"),
    "run again": lambda repo: repo.rerun(repo.runs[0]),
    "run stopped": lambda repo: repo.cancel(repo.runs[0]),
}


def _world(folder: Path, before: int = 0) -> World:
    """With one of everything: issue 1, and pull request 2 of the branch `work`. `before`: ids given away."""
    world = World(folder)
    for _ in range(before):
        world.new_id()
        world.now()
    repo = world.hello
    repo.comment(repo.add_issue("An issue", "body"), "first")
    repo.push("work", "work.txt", b"one\ntwo\n")
    pull = repo.open_pull("work", "main", "A change")
    repo.remark(pull, "work.txt", 2, "hm")
    repo.start_run("work")
    return world


def test_what_looks_the_same_is_the_same(tmp_path: Path) -> None:
    """Commits differ by their time, ids and times by what came before."""
    first, second = _world(tmp_path / "1"), _world(tmp_path / "2", before=5)
    assert first.hello.issue(1).id != second.hello.issue(1).id
    assert json.dumps(first.fingerprint()) == json.dumps(second.fingerprint())


def test_everything_that_people_see_shows_in_the_fingerprint(tmp_path: Path) -> None:
    seen = {json.dumps(_world(tmp_path / "clean").fingerprint())}
    for index, (name, deed) in enumerate(DEEDS.items()):
        world = _world(tmp_path / str(index))
        with world.through_the_api():
            deed(world.hello)
        picture = json.dumps(world.fingerprint())
        assert picture not in seen, name
        assert sum(world.effects.values()) == 1, (name, world.effects)
        seen.add(picture)


def test_who_may_not_does_not(tmp_path: Path) -> None:
    repo = _world(tmp_path).hello
    main = str(repo.branch("main"))
    with repo.world.through_the_api():
        with pytest.raises(Forbidden, match="reader"):
            repo.create_branch("b", main, "reader")
        repo.protect("work")
        with pytest.raises(Forbidden, match="protected"):
            repo.delete_branch("work", "writer")
        repo.archived = True
        with pytest.raises(Forbidden, match="archived"):
            repo.comment(repo.issue(1), "b", "octo")
    assert repo.world.effects == {}


def test_what_a_merge_waits_for(tmp_path: Path) -> None:
    repo = _world(tmp_path).hello
    repo.protect("main", checks=("ci",), approvals=1)
    pull = repo.pull(2)
    standing = [repo.standing(pull)]
    repo.report_check(pull.head_sha, "ci", "failure")
    standing.append(repo.standing(pull))
    repo.report_check(pull.head_sha, "ci", "success")
    standing.append(repo.standing(pull))
    repo.review(pull, "approve", by="writer")
    standing.append(repo.standing(pull))
    repo.computing = 1
    standing += [repo.mergeability(pull), repo.mergeability(pull)]
    assert standing == ["checks_pending", "checks_failed", "approvals", "clean", "checking", "clean"]
    with pytest.raises(StaleHead):
        repo.merge(pull, expected=str(repo.branch("main")))
    repo.merges_later = 2
    assert repo.merge(pull) is None
    assert [repo.pull(2).state for _ in range(3)] == ["open", "open", "closed"]
    assert repo.branch("main") == pull.merge_sha
    with pytest.raises(Conflict, match="merged"):
        repo.merge(pull)


# --- the published descriptions ---------------------------------------------------------------------------


def described(name: str, **settings: Any) -> Description:
    path = specs_folder() / name
    if not path.is_file():
        pytest.skip(f"{path} is not there: set TAMMA_TEST_SPECS")
    return Description(path, **settings)


@dataclass(frozen=True)
class Published:
    file: str
    request: str
    operation: str
    base: str | None = None
    paths_only: bool = False


PUBLISHED = (
    Published(
        "github/api.github.com.json",
        "GET /repos/o/r/pulls/1",
        "GET /repos/{owner}/{repo}/pulls/{pull_number}",
    ),
    Published(
        "gitea/swagger.v1.json",
        "GET /api/v1/repos/o/r/pulls/1.diff",
        "GET /repos/{owner}/{repo}/pulls/{index}.{diffType}",
        base="/api/v1",
    ),
    Published(
        "forgejo/swagger.v1.json",
        "GET /api/v1/repos/o/r/pulls/1",
        "GET /repos/{owner}/{repo}/pulls/{index}",
    ),
    Published(
        "bitbucket-cloud/swagger.v3.json",
        "POST /2.0/repositories/w/r/src",
        "POST /repositories/{workspace}/{repo_slug}/src",
        base="/2.0",
    ),
    Published(
        "bitbucket-dc/swagger.v3.json",
        "GET /rest/api/latest/projects/P/repos/r",
        "GET /api/latest/projects/{projectKey}/repos/{repositorySlug}",
        base="/rest",
    ),
    Published(
        "azure/git-7.1.json",
        "POST /org/p/_apis/git/repositories/r/refs",
        "POST /{organization}/{project}/_apis/git/repositories/{repositoryId}/refs",
    ),
    Published(
        "gitlab/openapi-unofficial-2023.yaml",
        "GET /api/v4/projects/a%2Fb%2Fc/repository/branches/x%2Fy",
        "GET /projects/{id}/repository/branches/{branch}",
        base="/api/v4",
        paths_only=True,
    ),
)


@pytest.mark.parametrize("published", PUBLISHED, ids=[published.file for published in PUBLISHED])
def test_published_descriptions_are_read(published: Published) -> None:
    description = described(published.file, base=published.base, paths_only=published.paths_only)
    method, _, path = published.request.partition(" ")
    matched = description.match(method, path)
    assert matched is not None
    assert matched.operation.name == published.operation
    assert all("%" not in value for value in matched.at.values())


def test_operations_that_azure_tells_apart_by_their_query_are_one() -> None:
    description = described("azure/git-7.1.json")
    matched = description.match("GET", "/o/p/_apis/git/repositories/r/items")
    assert matched is not None
    for query, problems in (
        ({"api-version": "7.1"}, 0),
        ({"api-version": "7.1", "path": "/a"}, 0),
        ({"api-version": "7.1", "scopePath": "/"}, 0),
        ({"path": "/a"}, 1),
        ({"api-version": "7.1", "pfad": "/a"}, 1),
    ):
        found = description.request_problems(matched.operation, list(query.items()), "", None)
        assert len(found) == problems, query


def test_what_a_publication_has_wrong_is_passed_over() -> None:
    query = [("made_up", "1")]
    amend = {"GET /repos/{owner}/{repo}": ("'made_up' is not described",)}
    for settings, problems in (({}, 1), ({"amend": amend}, 0)):
        description = described("gitea/swagger.v1.json", base="/api/v1", **settings)
        matched = description.match("GET", "/api/v1/repos/o/r")
        assert matched is not None
        assert len(description.request_problems(matched.operation, query, "", None)) == problems
