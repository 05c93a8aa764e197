"""A repository's own `.tamma.json`: heard from the base commit, and only where it asks for more care."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamma.model.project import ProjectPolicy
from tamma.model.task import ApprovePolicy
from tamma.workspace.detect import detect
from tamma.workspace.interface import Command
from tamma.workspace.local import LocalWorkspaces
from tamma.workspace.project_file import ProjectFile, parse, schema
from tamma.workspace.wishes import Wishes, read_wishes
from tests.workspace.conftest import Origin, quiet, tree_of

WHOLE: dict[str, Any] = {
    "version": "1.0",
    "commands": {
        "setup": "make deps",
        "build": "make",
        "test": "make check",
        "lint": "make lint",
        "format": "f",
    },
    "protectedPaths": ["db/**"],
    "policy": {
        "approve": "plan",
        "merge": "never",
        "budgetUsd": "1.50",
        "maxTurns": 40,
        "review": True,
        "newDependencies": "refuse",
    },
    "planning": {"ambiguity": 0.4},
    "timeouts": {"test": 120, "setup": 300},
}


def read(values: object) -> Wishes:
    return read_wishes(json.dumps(values).encode())


def test_all_that_it_may_say_is_heard() -> None:
    policy = ProjectPolicy(ApprovePolicy.PLAN, "never", Decimal("1.50"), 40, True, 120.0, "refuse", 0.4)
    assert read(WHOLE) == Wishes(
        "make deps", "make", "make check", "make lint", "f", ("db/**",), policy, 300.0
    )


def test_the_words_of_a_users_configuration_are_heard_too_and_the_stricter_of_two_holds() -> None:
    old = {
        "run": {
            "testCommand": "tox",
            "protectedPaths": ["db/**"],
            "budgetUsd": 900,
            "approve": "merge",
            "newDependencies": "allow",
        }
    }
    assert read(old) == Wishes(
        test="tox",
        protected_paths=("db/**",),
        policy=ProjectPolicy(approve=ApprovePolicy.MERGE, budget_usd=Decimal(900), new_dependencies="allow"),
    )
    both = read(
        {
            **old,
            "policy": {"approve": "plan", "budgetUsd": 1, "newDependencies": "ask"},
            "protectedPaths": ["a", "db/**"],
        }
    )
    assert both.policy.approve is ApprovePolicy.ALL
    assert both.policy.budget_usd == 1
    assert both.policy.new_dependencies == "ask"
    assert both.protected_paths == ("a", "db/**")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"comands": {}}, ".tamma.json: there is no key 'comands'; did you mean 'commands'?"),
        ({"commands": {"tests": "x"}}, "there is no key 'commands.tests'; did you mean 'commands.test'?"),
        ({"testCommand": "x"}, "there is no key 'testCommand'; did you mean 'run.testCommand'?"),
        ({"policy": {"zzz": 1}}, "known here: policy.approve, policy.merge, policy.budgetUsd"),
        ({"policy": {"approve": "nobody"}}, "'policy.approve' does not hold"),
        ({"policy": {"budgetUsd": -1}}, "'policy.budgetUsd' does not hold"),
        ({"timeouts": {"test": "soon"}}, "'timeouts.test' does not hold"),
        ({"planning": {"ambiguity": 2}}, "'planning.ambiguity' does not hold"),
        ({"commands": 3}, "'commands' does not hold"),
        ({"protectedPaths": ["x", 7, ""]}, "'protectedPaths.1' does not hold"),
        ({"providers": {"default": "evil"}}, "there is no key 'providers'"),
        ([], "is not a JSON object"),
    ],
)
def test_what_is_not_understood_is_said_and_the_rest_holds(values: Any, said: str) -> None:
    wishes = read({**WHOLE, **values} if values else [])
    assert any(said in trouble for trouble in wishes.troubles), wishes.troubles
    if values:
        assert wishes.test == ("make check" if "commands" not in values else None)
        assert wishes.protected_paths == (("db/**",) if "protectedPaths" not in values else ())


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"null"])
def test_what_cannot_be_read_asks_nothing_and_says_so(text: bytes) -> None:
    wishes = read_wishes(text)
    assert len(wishes.troubles) == 1
    assert wishes == Wishes(troubles=wishes.troubles)


VALIDATOR: Any = jsonschema.Draft202012Validator(schema())
_KEYS = [
    "commands",
    "test",
    "policy",
    "approve",
    "budgetUsd",
    "protectedPaths",
    "run",
    "timeouts",
    "x",
    "merge",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=5),
    max_leaves=12,
)


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(_KEYS), JSON, max_size=6))
def test_no_file_makes_a_run_fail(values: dict[str, Any]) -> None:
    """And what is left out is said: no trouble means that the whole file is valid."""
    said, troubles = parse(json.dumps(values).encode())
    valid = VALIDATOR.is_valid(values)
    assert valid or troubles
    assert isinstance(said, ProjectFile)


def test_the_schema_takes_what_the_model_takes() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(WHOLE, schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"comands": {}}, schema())


def test_its_commands_stand_in_for_detected_ones() -> None:
    files = {
        "package.json": '{"scripts": {"test": "jest", "lint": "eslint"}}',
        "pyproject.toml": "[project]\n",
    }
    found = read({"commands": {"setup": "make deps", "test": "make t"}}).heard_in(detect(files, files.get))
    assert found.test == Command("make t", ".tamma.json: test")
    assert found.lint == Command("npm run lint", "package.json: lint")
    assert [each.command for each in found.install] == ["pip install -e '.'", "make deps"]


async def test_it_is_read_from_the_base_commit(workspaces: LocalWorkspaces, origin: Origin) -> None:
    origin.commit({".tamma.json": json.dumps(WHOLE)})
    spec = origin.spec()
    await workspaces.prepare(spec, quiet)
    (tree_of(workspaces) / ".tamma.json").write_text("{}")
    workspace = await workspaces.open(spec.id)
    profile = await workspace.profile()
    assert profile.test == Command("make check", ".tamma.json: test")
    assert profile.policy.merge == "never"
    assert profile.setup_timeout == 300
    assert profile.troubles == ()


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    assert read({"protectedPaths": ["x"] * 201}).protected_paths == ()
