"""The locks are sound, and the check that says so sees each way in which they could not be."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from scripts.bootstrap import complaint
from scripts.check_locks import differing_pins, direct_requirements, lock_problems, parse_lock, problems

ROOT = Path(__file__).parents[2]
HASH = "    --hash=sha256:" + "0" * 64
SOUND = f"""# a comment
click==8.5.1 ; sys_platform == 'linux' \\
{HASH} \\
{HASH}
hishel[async, httpx]==1.4.0 \\
{HASH}
"""


def test_the_locks_of_this_project_are_sound() -> None:
    assert problems(ROOT) == []


def test_a_sound_lock_is_read_whole() -> None:
    pins, strange = parse_lock(SOUND)
    assert strange == []
    assert [(pin.name, pin.version, pin.marker, pin.hashes) for pin in pins] == [
        ("click", "8.5.1", "sys_platform == 'linux'", 2),
        ("hishel", "1.4.0", "", 1),
    ]
    assert lock_problems("x", SOUND, [Requirement("click>=8,<9"), Requirement("Hishel[async]<2")]) == []


@pytest.mark.parametrize(
    ("text", "wanted", "complaint_about"),
    [
        (SOUND, "click>=9", "click is pinned to 8.5.1, outside of"),
        (SOUND, "rich", "rich is not pinned"),
        ("click==8.5.1 \\\n", "click", "click 8.5.1 has no hash"),
        ("click==8.5.1\n", "click", "no pin with hashes"),
        (f"--index-url /mirror\n{SOUND}", "click", "no pin with hashes: '--index-url"),
        (f"--find-links /wheels\n{SOUND}", "click", "no pin with hashes: '--find-links"),
        (f"# from https://mirror.local\n{SOUND}", "click", "no pin with hashes: '# from"),
        (f"click @ file:///wheels/click.whl \\\n{HASH}\n", "click", "no pin with hashes: 'click @"),
    ],
)
def test_an_unsound_lock_is_seen(text: str, wanted: str, complaint_about: str) -> None:
    assert any(complaint_about in problem for problem in lock_problems("x", text, [Requirement(wanted)]))


def test_users_and_tests_get_the_same_versions() -> None:
    assert differing_pins(SOUND, SOUND) == []
    assert differing_pins(SOUND, SOUND.replace("8.5.1", "8.5.0")) == [
        "click 8.5.1 is in core.txt, but dev.txt has another version"
    ]


def test_direct_requirements_follow_extras_and_included_groups() -> None:
    project = {
        "project": {
            "name": "tamma",
            "dependencies": ["click"],
            "optional-dependencies": {"embedded": ["psutil"], "all": ["tamma[embedded]"]},
        },
        "dependency-groups": {"build": ["hatchling"], "dev": [{"include-group": "build"}, "pytest"]},
    }
    names = [each.name for each in direct_requirements(project, ["embedded", "all"], ["dev"])]
    assert names == ["click", "psutil", "hatchling", "pytest"]


@pytest.mark.parametrize("version", [(3, 6), (3, 10)])
def test_an_old_python_is_told_what_to_do(version: tuple[int, int]) -> None:
    assert "make PYTHON=" in complaint(version)
    # It must get as far as saying so: its own syntax may not be newer than the Python it turns away.
    ast.parse((ROOT / "scripts/bootstrap.py").read_text(), feature_version=(3, 6))


def test_a_supported_python_is_not_complained_about() -> None:
    assert complaint((3, 11)) == complaint((3, 14)) == ""
