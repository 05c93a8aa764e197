"""What git, curl, ssh and the services say, as they say it, and what becomes of it."""

from __future__ import annotations

import pytest

from tamma.errors import BadCredentials, Conflict, Forbidden, NotFound, PlatformError, StaleHead, Transient
from tamma.git.fault_table import Fault
from tamma.git.faults import find, told
from tamma.git.remote import Remote
from tamma.platforms.interface import GitCredentials

HTTPS = Remote.of("https://g.test/o/r.git", GitCredentials("bot", "t0ken-canary"))
SSH = Remote.of(
    "ssh://git@g.test:2222/o/r.git", GitCredentials(ssh_key="/keys/id", known_hosts="/keys/hosts")
)
ACCESS = "fatal: unable to access 'https://g.test/o/r.git/': "
SSH_END = (
    "fatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\n"
    "and the repository exists.\n"
)
PROMISE = "fatal: could not fetch 24662bf6 from promisor remote"
REJECTED = " ! [{how}] fix -> fix ({why})\nerror: failed to push some refs to 'x'\n"


@pytest.mark.parametrize(
    ("output", "fault", "error"),
    [
        ("fatal: Authentication failed for 'https://g.test/o/r.git/'", Fault.CREDENTIALS, BadCredentials),
        (
            "fatal: could not read Username for 'https://g.test': terminal prompts disabled",
            Fault.CREDENTIALS,
            BadCredentials,
        ),
        ("git@g.test: Permission denied (publickey).\n" + SSH_END, Fault.CREDENTIALS, BadCredentials),
        (
            "remote: HTTP Basic: Access denied. The provided password is incorrect\n",
            Fault.CREDENTIALS,
            BadCredentials,
        ),
        (
            "remote: Permission to o/r.git denied to mona.\n"
            + ACCESS
            + "The requested URL returned error: 403",
            Fault.FORBIDDEN,
            Forbidden,
        ),
        (
            "ERROR: The key you are authenticating with has been marked as read only.\n" + SSH_END,
            Fault.FORBIDDEN,
            Forbidden,
        ),
        (
            "remote: refusing to allow a Personal Access Token to create or update workflow `ci.yml`"
            " without `workflow` scope\n" + REJECTED.format(how="remote rejected", why="refusing to allow"),
            Fault.FORBIDDEN,
            Forbidden,
        ),
        (
            "remote: This repository was archived so it is read-only.\n" + ACCESS + "error: 403",
            Fault.FORBIDDEN,
            Forbidden,
        ),
        ("fatal: repository 'https://g.test/o/r.git/' not found", Fault.NOT_FOUND, NotFound),
        ("ERROR: Repository not found.\n" + SSH_END, Fault.NOT_FOUND, NotFound),
        (
            "remote: ERROR: The project you were looking for could not be found or so.\n" + SSH_END,
            Fault.NOT_FOUND,
            NotFound,
        ),
        ("fatal: couldn't find remote ref refs/heads/absent", Fault.NO_BRANCH, NotFound),
        ("fatal: remote error: upload-pack: not our ref 1111111111111111", Fault.NO_COMMIT, NotFound),
        (REJECTED.format(how="rejected", why="stale info"), Fault.STALE, StaleHead),
        (REJECTED.format(how="rejected", why="fetch first"), Fault.STALE, StaleHead),
        (
            "remote: error: cannot lock ref 'refs/heads/fix': is at 1234567 but expected 89abcde\n"
            + REJECTED.format(how="remote rejected", why="failed to update ref"),
            Fault.STALE,
            StaleHead,
        ),
        (
            "remote: error: cannot lock ref 'refs/heads/fix': Unable to create '/r/fix.lock': File exists.\n"
            + REJECTED.format(how="remote rejected", why="failed to update ref"),
            Fault.LOCKED,
            Transient,
        ),
        (
            "remote: no pushes on Sundays\n"
            + REJECTED.format(how="remote rejected", why="pre-receive hook declined"),
            Fault.REFUSED,
            Forbidden,
        ),
        (
            "remote: error: GH006: Protected branch update failed for refs/heads/main.\n"
            + REJECTED.format(how="remote rejected", why="protected branch hook declined"),
            Fault.REFUSED,
            Forbidden,
        ),
        (
            "remote: GitLab: You are not allowed to push code to protected branches on this project.\n"
            + REJECTED.format(how="remote rejected", why="pre-receive hook declined"),
            Fault.REFUSED,
            Forbidden,
        ),
        (
            "remote: TF402455: Pushes to this branch are not permitted; you must use a pull request\n"
            + REJECTED.format(how="remote rejected", why="TF402455"),
            Fault.REFUSED,
            Forbidden,
        ),
        ("remote: error: GH001: Large files detected.\n", Fault.TOO_LARGE, Conflict),
        (
            "error: RPC failed; HTTP 413 curl 22 The requested URL returned error: 413\n",
            Fault.TOO_LARGE,
            Conflict,
        ),
        (ACCESS + "Could not resolve host: g.test", Fault.NETWORK, Transient),
        (ACCESS + "The requested URL returned error: 503", Fault.NETWORK, Transient),
        (
            ACCESS + "gnutls_handshake() failed: The TLS connection was non-properly terminated.",
            Fault.NETWORK,
            Transient,
        ),
        ("fatal: early EOF\nfatal: fetch-pack: invalid index-pack output", Fault.NETWORK, Transient),
        ("ssh: connect to host g.test port 22: Connection refused\n" + SSH_END, Fault.NETWORK, Transient),
        ("ssh: Could not resolve hostname g.test: Temporary failure\n" + SSH_END, Fault.NETWORK, Transient),
        (
            ACCESS + "server certificate verification failed. CAfile: none CRLfile: none",
            Fault.TLS,
            PlatformError,
        ),
        (
            ACCESS + "SSL certificate problem: unable to get local issuer certificate",
            Fault.TLS,
            PlatformError,
        ),
        (
            ACCESS + "SSL: no alternative certificate subject name matches target host name",
            Fault.TLS,
            PlatformError,
        ),
        (
            ACCESS + "error setting certificate verify locations:  CAfile: /absent.pem",
            Fault.TLS,
            PlatformError,
        ),
        (ACCESS + "The requested URL returned error: 301", Fault.REDIRECT, NotFound),
        (ACCESS + "Received HTTP code 407 from proxy after CONNECT", Fault.PROXY, BadCredentials),
        ("fatal: write error: No space left on device\n", Fault.DISK_FULL, PlatformError),
        ("remote: fatal: write error: No space left on device\n", Fault.DISK_FULL, PlatformError),
        ("fatal: detected dubious ownership in repository at '/srv/r'", Fault.OWNER, Forbidden),
        ("fatal: transport 'ext' not allowed", Fault.PROTOCOL, PlatformError),
        (PROMISE, Fault.LEFT_OUT, PlatformError),
        (
            f"error: Server does not allow request for unadvertised object 24662bf6\n{PROMISE}",
            Fault.LEFT_OUT,
            PlatformError,
        ),
        (
            f"{ACCESS}Could not resolve host: g.test\n{PROMISE}",
            Fault.NETWORK,
            Transient,
        ),
        ("fatal: something else", Fault.UNKNOWN, PlatformError),
    ],
)
def test_what_git_says_about_a_remote(output: str, fault: Fault, error: type[PlatformError]) -> None:
    found = find(output, HTTPS)
    assert found.fault is fault
    made = found.error("the push failed")
    assert type(made) is error
    assert made.message.startswith("the push failed: ")
    assert found.passing is made.may_retry
    assert made.hint or fault in (Fault.NETWORK, Fault.UNKNOWN)


def test_the_hints_name_the_command_to_run() -> None:
    unknown = find("No ED25519 host key is known for [g.test]:2222\nHost key verification failed.", SSH)
    assert unknown.fault is Fault.HOST_KEY
    assert "ssh-keyscan -p 2222 g.test >> /keys/hosts" in (unknown.hint or "")
    changed = find("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.", SSH)
    assert "ssh-keygen -R '[g.test]:2222' -f /keys/hosts" in (changed.hint or "")
    open_key = find("@ WARNING: UNPROTECTED PRIVATE KEY FILE! @\nbad permissions", SSH)
    assert "chmod 600 /keys/id" in (open_key.hint or "")
    assert "'/keys/id'" in (find("git@h: Permission denied (publickey).", SSH).hint or "")


@pytest.mark.parametrize(
    "name", ["archived", "rate-limit", "certificate-verify", "error: 404", "hook-declined"]
)
def test_the_name_of_a_repository_decides_nothing(name: str) -> None:
    remote = Remote.of(f"https://g.test/o/{name}.git", GitCredentials())
    said = f"fatal: unable to access '{remote.url}/': Could not resolve host: g.test"
    assert find(said, remote).fault is Fault.NETWORK


def test_what_a_server_says_is_kept_without_control_characters_noise_and_secrets() -> None:
    output = (
        "remote: \x1b[31mno pushes\x1b[0m on Sundays\x07        \rremote: \n"
        "remote: see https://mona:s3cret-canary@g.test/rules\n"
        "remote: token t0ken-canary\n"
        " ! [remote rejected] fix -> fix (pre-receive hook declined)\n"
        "error: failed to push some refs to 'x'\n"
        "fatal: the remote end hung up unexpectedly\n"
    )
    assert find(output, HTTPS).said == (
        "remote: no pushes on Sundays; remote: see https://***@g.test/rules; remote: token ***;"
        " ! [remote rejected] fix -> fix (pre-receive hook declined)"
    )
    assert len(told("remote: " + "x" * 5000)) == 600
    assert told("") == ""
    asked = "fatal: could not read Username for 'https://g.test': terminal prompts disabled"
    assert find(asked, HTTPS).said == "fatal: the server wants credentials that it accepts"
