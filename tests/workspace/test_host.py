"""Which tier is taken, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tamma.confine import landlock
from tamma.errors import SandboxUnavailable
from tamma.workspace.sandbox.cgroup import make_cgroup
from tamma.workspace.sandbox.host import (
    base_environment,
    candidates,
    choose_tier,
    in_container,
    secret_masks,
)
from tamma.workspace.sandbox.output import HeadTail
from tamma.workspace.sandbox.profile import Limits, Mount, SandboxPolicy


async def test_none_needs_an_explicit_word(tmp_path: Path) -> None:
    with pytest.raises(SandboxUnavailable) as caught:
        await choose_tier(SandboxPolicy(tiers=("none",)), tmp_path)
    assert "--unsafe-no-sandbox" in (caught.value.hint or "")
    tier = await choose_tier(SandboxPolicy(tiers=("none",), allow_none=True), tmp_path)
    assert tier.name == "none"


async def test_a_tier_that_is_installed_but_does_not_work_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "bin/bwrap"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:/usr/bin:/bin")
    policy = SandboxPolicy(tiers=("bwrap", "none"), allow_none=True)
    assert (await choose_tier(policy, tmp_path)).name == "none"
    with pytest.raises(SandboxUnavailable, match="No permissions to create new namespace"):
        await choose_tier(SandboxPolicy(tiers=("bwrap",)), tmp_path)


def test_tiers_are_tried_in_the_policys_order(tmp_path: Path) -> None:
    policy = SandboxPolicy(tiers=("none", "landlock"), allow_none=True)
    names = [tier.name for tier in candidates(policy, tmp_path)]
    assert names == ["none", *(["landlock"] if landlock.abi() else [])]


def test_containers_are_known_by_their_marks(tmp_path: Path) -> None:
    assert not in_container({}, tmp_path)
    assert in_container({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, tmp_path)
    assert in_container({"CI": "true"}, tmp_path)
    (tmp_path / ".dockerenv").touch()
    assert in_container({}, tmp_path)


def test_the_environment_is_made_up(tmp_path: Path) -> None:
    environ = {
        "PATH": f"/usr/bin:{sys.prefix}/bin:/opt/x:{tmp_path}",
        "SECRET": "s",
        "PYENV_ROOT": "/elsewhere",
    }
    env = base_environment((Mount("/usr", "/usr"),), environ)
    assert "SECRET" not in env
    assert "PYENV_ROOT" not in env
    assert f"{sys.prefix}/bin" not in env["PATH"].split(":")
    assert str(tmp_path) not in env["PATH"]


def test_a_control_group_needs_a_writable_place(tmp_path: Path) -> None:
    assert make_cgroup(Limits(), tmp_path) is None
    (tmp_path / "pids").mkdir()
    group = make_cgroup(Limits(processes=7), tmp_path)
    assert group is not None
    assert (group.folders[0] / "pids.max").read_text() == "7"
    assert group.enter(["x"])[-1] == "x"


def test_hardening_closes_the_environment(tmp_path: Path) -> None:
    script = (
        "from tamma.workspace.sandbox.harden import harden_process\n"
        "import ctypes\n"
        "assert harden_process()\n"
        "assert ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) == 0\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize("chunk", [1, 7, 1000, 100_000])
def test_head_and_tail_are_kept_whatever_the_chunks(chunk: int) -> None:
    data = b"".join(b"%07d\n" % number for number in range(20_000))
    kept = HeadTail()
    for at in range(0, len(data), chunk):
        kept.feed(data[at : at + chunk])
    text, left_out = kept.text()
    head, note, tail = text.partition(f"\n[... {left_out} bytes left out ...]\n")
    assert note
    assert data.decode().startswith(head)
    assert data.decode().endswith(tail)
    assert (len(head), len(tail), left_out) == (5000, 5000, len(data) - 10_000)


def test_wide_characters_are_counted_as_characters() -> None:
    kept = HeadTail()
    kept.feed(("ä€😀" * 10_000).encode())
    text, _ = kept.text()
    assert "�" not in text.replace("�", "", 1)  # at most the one that was cut in two
    assert len(text) < 10_100
    short = HeadTail()
    short.feed(("😀" * 10_000).encode())
    assert short.text() == ("😀" * 10_000, 0)


def test_what_not_everybody_may_read_of_etc_is_masked() -> None:
    masks = secret_masks()
    files = [path for path in Path("/etc").rglob("*") if path.is_file() and not path.is_symlink()]
    private = [str(path) for path in files if not path.stat().st_mode & 0o004 and os.access(path, os.R_OK)]
    assert [path for path in private if not path.startswith(masks)] == []
    assert "/etc/passwd" not in masks  # programs look names up there
