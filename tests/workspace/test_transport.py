"""Clone, fetch and push over https and ssh, against real servers: one suite for all, and what goes wrong."""

from __future__ import annotations

import base64
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tamma.errors import BadCredentials, CloneFailed, Forbidden, PlatformError, StaleHead
from tamma.model.repository import RepoRef
from tamma.platforms.interface import GitCredentials, PlatformSettings
from tamma.platforms.plain.platform import PlainGit
from tamma.store.memory import MemoryStore
from tamma.workspace.interface import WorkspaceSpec
from tamma.workspace.local import LocalWorkspace, LocalWorkspaces
from tamma.workspace.sandbox.profile import SandboxPolicy
from tests.support.certificates import make_certificates
from tests.support.git_http import Answer, HttpGit, allow, serving
from tests.support.git_servers import SshServer, make_key, nginx, public_part, sshd
from tests.workspace.conftest import BRANCH, Origin, contents, git, quiet, tree_of, use, write

TOKEN = "t0ken-canary"
LOGIN = ("oauth2", TOKEN)


@dataclass(frozen=True, slots=True)
class Served:
    """The origin behind a server."""

    url: str
    credentials: GitCredentials
    bare: Path

    def spec(self, origin: Origin, name: str = "task-1") -> WorkspaceSpec:
        return replace(origin.spec(name), clone_url=self.url, credentials=self.credentials)


@pytest.fixture
def bare(origin: Origin, short: Path) -> Path:
    """The origin as servers have it."""
    origin.commit({"README.md": "# Sample, changed\n"}, "second")
    path = short / "repos/r.git"
    git(short, "clone", "-q", "--bare", str(origin.path), str(path))
    allow(path)
    return path


@pytest.fixture(
    params=[
        "https",
        pytest.param("nginx", marks=pytest.mark.peers),
        pytest.param("ssh", marks=pytest.mark.peers),
    ]
)
def served(request: pytest.FixtureRequest, bare: Path, short: Path) -> Iterator[Served]:
    with ExitStack() as stack:
        if request.param == "ssh":
            server = stack.enter_context(sshd(short / "s sh%d"))  # as folders of users are called
            keys = GitCredentials(ssh_key=str(server.key), known_hosts=str(server.known_hosts))
            yield Served(server.url(bare), keys, bare)
            return
        if request.param == "nginx":
            front = stack.enter_context(nginx(bare.parent, short / "nginx", LOGIN))
            url, authority = front.url("r.git"), front.certificates.authority
        else:
            made = make_certificates(short / "tls")
            plain = stack.enter_context(serving(HttpGit(bare.parent, login=LOGIN), made))
            url, authority = plain.url("r.git"), made.authority
        yield Served(url, GitCredentials(*LOGIN, ca_file=str(authority)), bare)


async def opened(workspaces: LocalWorkspaces, spec: WorkspaceSpec) -> tuple[LocalWorkspace, Path]:
    await workspaces.prepare(spec, quiet)
    return await workspaces.open(spec.id), tree_of(workspaces, spec.id)


# --- all of them ---------------------------------------------------------------------------------------


async def test_work_is_cloned_pushed_pinned_and_rebuilt_elsewhere(
    workspaces: LocalWorkspaces, store: MemoryStore, origin: Origin, served: Served, short: Path
) -> None:
    workspace, tree = await opened(workspaces, served.spec(origin))
    assert contents(tree) == contents(origin.path)
    shown = await use(workspace, "bash", command="git log -p --format=%s; git describe --tags")
    assert shown.error_kind is None
    assert shown.result.content.splitlines()[-1].startswith("v1.0-1-g")
    write(tree, {"a.txt": "1"})
    first = await workspace.commit("One", "op-1")
    for _ in range(2):
        assert await workspace.push(served.credentials, None) == first
    assert git(served.bare, "rev-parse", BRANCH) == first
    checkpoint = await workspace.checkpoint()

    other = LocalWorkspaces(short / "b/ws", store, sandbox=SandboxPolicy(prewarm=False))
    try:
        restored, place = await opened(other, replace(served.spec(origin), checkpoint=checkpoint))
        write(place, {"b.txt": "2"})
        second = await restored.commit("Two", "op-2")
        assert await restored.push(served.credentials, first) == second
    finally:
        await other.aclose()
    write(tree, {"c.txt": "3"})
    await workspace.commit("Three", "op-3")
    with pytest.raises(StaleHead, match=second):  # the lease, where this worker did not know of the other
        await workspace.push(served.credentials, first)
    assert git(served.bare, "rev-parse", BRANCH) == second


async def test_a_hook_that_declines_is_quoted(
    workspaces: LocalWorkspaces, origin: Origin, served: Served
) -> None:
    hook = served.bare / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho no pushes on Sundays >&2\nexit 1\n")
    hook.chmod(0o755)
    workspace, tree = await opened(workspaces, served.spec(origin))
    write(tree, {"a.txt": "1"})
    await workspace.commit("One", "op-1")
    with pytest.raises(Forbidden, match="no pushes on Sundays") as caught:
        await workspace.push(served.credentials, None)
    assert "protected" in (caught.value.hint or "")


async def test_plain_git_reaches_the_same(origin: Origin, served: Served) -> None:
    account = served.credentials
    settings = PlatformSettings(
        "git", "plain-git", token=account.token, username=account.username, ssh_key=account.ssh_key,
        known_hosts=account.known_hosts, ca_file=account.ca_file,
    )  # fmt: skip
    platform, ref = PlainGit(settings), RepoRef("git", "", served.url)
    assert (await platform.get_repository(ref)).default_branch == "main"
    assert await platform.get_file(ref, "README.md", "main") == b"# Sample, changed\n"
    assert (await platform.ensure_branch(ref, BRANCH, origin.sha)).sha == origin.sha
    merged = await platform.merge_branch(ref, BRANCH, "main", origin.sha, "Merge it")
    assert merged.sha == origin.sha
    await platform.delete_branch(ref, BRANCH, origin.sha)
    assert (await platform.git_credentials(ref)) == account
    with pytest.raises(PlatformError) as caught:
        await platform.get_repository(RepoRef("git", "", served.url.replace("r.git", "absent.git")))
    assert "address" in (caught.value.hint or "")


# --- https ---------------------------------------------------------------------------------------------


async def test_the_token_is_nowhere_but_in_gits_own_environment(
    workspaces: LocalWorkspaces, origin: Origin, bare: Path, short: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made = make_certificates(short / "tls")
    with serving(HttpGit(bare.parent, login=LOGIN, look=True), made) as server:
        account = GitCredentials(*LOGIN, ca_file=str(made.authority), proxy=None)
        served = Served(server.url("r.git"), account, bare)
        said: list[str] = []
        await workspaces.prepare(served.spec(origin), said.append)
        workspace, tree = await workspaces.open("task-1"), tree_of(workspaces)
        write(tree, {"a.txt": "1"})
        await workspace.commit("One", "op-1")
        await workspace.push(account, None)
        write(tree, {"a.txt": "2"})
        await workspace.commit("Two", "op-2")
        with pytest.raises(StaleHead) as stale:
            await workspace.push(account, None)
        with pytest.raises(BadCredentials) as bad:
            await workspace.push(replace(account, token=f"wr0ng-{TOKEN}"), None)
        inside = await use(workspace, "bash", command="env; cat .git/config; git remote -v")
    encoded = base64.b64encode(":".join(LOGIN).encode()).decode()

    def leaks(text: str) -> bool:
        return TOKEN in text or encoded in text or encoded[4:20] in text

    assert any(seen.authorization == f"Basic {encoded}" for seen in server.seen)
    carriers = [seen.command for seen in server.processes if leaks(seen.environment)]
    assert carriers, "the look at processes came too late: it shows nothing"
    others = [command for command in carriers if not Path(command.split()[0]).name.startswith("git")]
    assert others == []
    texts = [seen.command for seen in server.processes] + [seen.path for seen in server.seen]
    texts += [str(stale.value), str(bad.value), bad.value.hint or "", repr(served), caplog.text, *said]
    texts.append(inside.result.content)
    files = [file for file in tree.parent.rglob("*") if file.is_file()]
    texts += [file.read_bytes().decode("latin-1") for file in files]
    assert len(files) > 20
    assert not [text for text in texts if leaks(text)]


async def test_a_redirect_takes_no_credentials_to_another_host(
    workspaces: LocalWorkspaces, origin: Origin, bare: Path
) -> None:
    with serving(HttpGit(bare.parent)) as elsewhere, serving(HttpGit(bare.parent, login=LOGIN)) as server:
        for query in ("info/refs?service=git-upload-pack", "info/refs?service=git-receive-pack"):
            target = {"Location": elsewhere.url(f"r.git/{query}").replace("127.0.0.1", "localhost")}
            server.instead[query.rpartition("/")[2]] = Answer(302, target)
        served = Served(server.url("r.git"), GitCredentials(*LOGIN), bare)
        with pytest.raises(CloneFailed, match="302") as caught:
            await workspaces.prepare(served.spec(origin), quiet)
        assert "elsewhere" in (caught.value.hint or "")
        assert not caught.value.may_retry
        server.instead.clear()
        workspace, tree = await opened(workspaces, served.spec(origin))
        write(tree, {"a.txt": "1"})
        await workspace.commit("One", "op-1")
        server.instead["git-receive-pack"] = Answer(
            307, {"Location": elsewhere.url("r.git/git-receive-pack")}
        )
        with pytest.raises(PlatformError, match="307"):
            await workspace.push(served.credentials, None)
    assert elsewhere.seen == []


@pytest.mark.parametrize(
    ("status", "error", "retry"),
    [
        (401, "credentials", False),
        (403, "write access", False),
        (404, "address", False),
        (429, "limit", True),
        (502, "", True),
    ],
)
async def test_what_a_server_answers_decides_what_follows(
    workspaces: LocalWorkspaces, origin: Origin, bare: Path, status: int, error: str, *, retry: bool
) -> None:
    with serving(HttpGit(bare.parent)) as server:
        server.instead["refs?service=git-upload-pack"] = Answer(status)
        server.instead["info/refs?service=git-upload-pack"] = Answer(status)
        with pytest.raises(CloneFailed) as caught:
            await workspaces.prepare(
                Served(server.url("r.git"), GitCredentials(*LOGIN), bare).spec(origin), quiet
            )
    assert caught.value.may_retry is retry
    assert error in (caught.value.hint or "")


async def test_only_the_named_authority_is_believed_whatever_the_environment_says(
    workspaces: LocalWorkspaces, origin: Origin, bare: Path, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, other = make_certificates(short / "tls"), make_certificates(short / "other")
    with serving(HttpGit(bare.parent), made) as server:
        for ca_file, hint in (
            (None, "caFile"),
            (other.authority, "caFile"),
            (short / "absent.pem", "absent.pem"),
        ):
            account = GitCredentials(ca_file=str(ca_file) if ca_file else None)
            with pytest.raises(CloneFailed) as caught:
                await workspaces.prepare(Served(server.url("r.git"), account, bare).spec(origin), quiet)
            assert hint in (caught.value.hint or "")
            assert not caught.value.may_retry
        # The environment wins over git's configuration, and we win over the environment.
        monkeypatch.setenv("GIT_SSL_CAINFO", str(other.authority))
        monkeypatch.setenv("GIT_SSL_NO_VERIFY", "1")
        account = GitCredentials(ca_file=str(made.authority))
        await workspaces.prepare(Served(server.url("r.git"), account, bare).spec(origin), quiet)
        anonymous = Served(server.url("r.git"), GitCredentials(), bare)
        with pytest.raises(CloneFailed):
            await workspaces.prepare(anonymous.spec(origin, "task-2"), quiet)
        monkeypatch.setenv("GIT_SSL_CAINFO", str(made.authority))
        await workspaces.prepare(anonymous.spec(origin, "task-2"), quiet)


async def test_an_accounts_proxy_is_used_also_where_the_environment_makes_exceptions(
    workspaces: LocalWorkspaces, origin: Origin, bare: Path
) -> None:
    with serving(HttpGit(bare.parent)) as server:
        assert "127.0.0.1" in os.environ["NO_PROXY"]
        account = GitCredentials(proxy="http://u:pr0xy-canary@127.0.0.1:9")
        with pytest.raises(CloneFailed) as caught:
            await workspaces.prepare(Served(server.url("r.git"), account, bare).spec(origin), quiet)
        assert caught.value.may_retry
        assert "pr0xy" not in str(caught.value)
        # A proxy that is there gets whole addresses, and passes them on.
        account = GitCredentials(proxy=server.address)
        name = Served("http://git.example.test/r.git", account, bare)
        await workspaces.prepare(name.spec(origin), quiet)
        assert server.seen[-1].path.startswith("http://git.example.test/r.git/")


@pytest.mark.peers
async def test_a_push_that_is_too_large_for_the_server_says_so(
    workspaces: LocalWorkspaces, origin: Origin, bare: Path, short: Path
) -> None:
    with nginx(bare.parent, short / "nginx", LOGIN, limit="4k") as server:
        account = GitCredentials(*LOGIN, ca_file=str(server.certificates.authority))
        served = Served(server.url("r.git"), account, bare)
        workspace, tree = await opened(workspaces, served.spec(origin))
        write(tree, {"a.txt": "".join(f"{number * number}\n" for number in range(5000))})
        await workspace.commit("One", "op-1")
        with pytest.raises(PlatformError, match="413") as caught:
            await workspace.push(account, None)
        assert not caught.value.may_retry
        assert "large" in (caught.value.hint or "")
        assert TOKEN not in server.log.read_text()


# --- ssh -----------------------------------------------------------------------------------------------


@pytest.fixture
def ssh(short: Path) -> Iterator[SshServer]:
    with sshd(short / "ssh") as server:
        yield server


@pytest.mark.peers
async def test_a_host_that_is_not_known_or_has_changed_is_not_spoken_to(
    workspaces: LocalWorkspaces, origin: Origin, bare: Path, ssh: SshServer, short: Path
) -> None:
    known = short / "hosts"
    account = GitCredentials(ssh_key=str(ssh.key), known_hosts=str(known))
    served = Served(ssh.url(bare), account, bare)
    known.write_text("")
    with pytest.raises(CloneFailed, match="host key") as caught:
        await workspaces.prepare(served.spec(origin), quiet)
    hint = caught.value.hint or ""
    assert f"ssh-keyscan -p {ssh.port} 127.0.0.1 >> {known}" in hint
    known.write_text(f"{ssh.name} {public_part(ssh.other_key)}")
    with pytest.raises(CloneFailed, match="has changed") as caught:
        await workspaces.prepare(served.spec(origin), quiet)
    assert f"ssh-keygen -R '{ssh.name}' -f {known}" in (caught.value.hint or "")
    assert not caught.value.may_retry
    shutil.copy(ssh.known_hosts, known)
    await workspaces.prepare(served.spec(origin), quiet)
    assert known.read_text() == ssh.known_hosts.read_text()  # a server adds no key of its own


@pytest.mark.peers
async def test_keys_that_do_not_open_the_door(
    workspaces: LocalWorkspaces, origin: Origin, bare: Path, ssh: SshServer, short: Path
) -> None:
    locked = make_key("ssh-keygen", short / "locked", passphrase="a passphrase")
    for key, word in (
        (ssh.other_key, "read and write"),
        (short / "absent", "private key"),
        (locked, "locked"),
    ):
        account = GitCredentials(ssh_key=str(key), known_hosts=str(ssh.known_hosts))
        with pytest.raises(CloneFailed, match="Permission denied") as caught:
            await workspaces.prepare(Served(ssh.url(bare), account, bare).spec(origin), quiet)
        assert word in (caught.value.hint or "")
        assert not caught.value.may_retry


@pytest.mark.peers
async def test_a_repository_that_is_not_behind_the_door(
    workspaces: LocalWorkspaces, origin: Origin, ssh: SshServer, short: Path
) -> None:
    account = GitCredentials(ssh_key=str(ssh.key), known_hosts=str(ssh.known_hosts))
    with pytest.raises(CloneFailed, match="does not appear to be a git repository") as caught:
        await workspaces.prepare(Served(ssh.url(short / "absent.git"), account, short).spec(origin), quiet)
    assert "address" in (caught.value.hint or "")
