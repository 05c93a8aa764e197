"""The table of what git says when it fails. Git has no error codes: its messages, those of curl and ssh below
it, and those of the service above it are all there is. They are read in the C locale.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """Why a git command that talks to a remote failed."""

    HOST_KEY = "host key"
    SSH_KEY = "ssh key"
    CREDENTIALS = "credentials"
    FORBIDDEN = "forbidden"
    REFUSED = "refused"
    """By the remote's rules: a hook, a protected branch."""
    STALE = "stale"
    LOCKED = "locked"
    NOT_FOUND = "not found"
    NO_BRANCH = "no branch"
    NO_COMMIT = "no commit"
    REDIRECT = "redirect"
    TLS = "tls"
    PROXY = "proxy"
    RATE_LIMIT = "rate limit"
    NETWORK = "network"
    DISK_FULL = "disk full"
    TOO_LARGE = "too large"
    OWNER = "owner"
    PROTOCOL = "protocol"
    LEFT_OUT = "left out"
    """A partial clone lacks an object, and it could not be fetched."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of failure. `hint` says what to do; its `{names}` are filled in, see `faults`."""

    fault: Fault
    hint: str
    pattern: re.Pattern[str]


def _row(fault: Fault, hint: str, *patterns: str) -> Row:
    return Row(fault, hint, re.compile("|".join(patterns), re.IGNORECASE))


_LEFT_OUT = "the server did not give what the partial clone had left out: prepare the workspace again"

TABLE: tuple[Row, ...] = (
    # --- ssh
    _row(
        Fault.HOST_KEY,
        "the host answers with another key than before: compare it with what the service publishes, and "
        "only if it is right: {forget}; then {learn}",
        r"HOST IDENTIFICATION HAS CHANGED",
    ),
    _row(
        Fault.HOST_KEY,
        "the host's key is not known yet: {learn}, and compare it with what the service publishes",
        r"Host key verification failed",
        r"No \S+ host key is known",
    ),
    _row(
        Fault.SSH_KEY,
        "others can read the private key: chmod 600 {key}",
        r"UNPROTECTED PRIVATE KEY",
        r"bad permissions",
    ),
    _row(
        Fault.SSH_KEY,
        "is {key} the private key? One with a passphrase must be in ssh-agent (ssh-add)",
        r"Load key .*:",
        r"no such identity",
        r"Identity file .* not accessible",
    ),
    # --- disks
    _row(
        Fault.DISK_FULL,
        "the server's disk or the repository's quota is full: whoever runs it must make room",
        r"remote: .*(?:no space left|quota exceeded)",
    ),
    _row(
        Fault.DISK_FULL,
        "make room on this machine's disk",
        r"No space left on device",
        r"Disk quota exceeded",
    ),
    # --- what the service's rules say
    _row(
        Fault.TOO_LARGE,
        "the server takes no push of this size: take large files out of the change",
        r"GH001",
        r"exceeds .*file size limit",
        r"pack exceeds maximum",
        r"error: 413",
        r"larger than the maximum",
    ),
    _row(
        Fault.FORBIDDEN,
        "give the token the right to change workflows, or leave them out of the change",
        r"without `?workflows?`? (?:scope|permission)",
    ),
    _row(
        Fault.FORBIDDEN,
        "authorize the token for the organization's single sign-on",
        r"SAML SSO",
    ),
    _row(
        Fault.FORBIDDEN,
        "the repository takes no pushes: it is read-only",
        r"(?:is|was|been) archived",
        r"archived so",
        r"repository is read-only",
    ),
    _row(
        Fault.REFUSED,
        "is the branch protected, or does the remote's hook refuse it?",
        r"GH006",
        r"GH013",
        r"protected (?:branch|ref)",
        r"hook declined",
        r"push declined",
        r"TF4\d{5}",
        r"not allowed to push",
    ),
    # --- refs
    _row(
        Fault.LOCKED,
        "another push or a repack holds the repository: it is tried again",
        r"Unable to create '.*\.lock': File exists",
        r"unable to lock",
    ),
    _row(
        Fault.STALE,
        "somebody pushed meanwhile: fetch, look, and run again",
        r"stale info",
        r"fetch first",
        r"non-fast-forward",
        r"reference already exists",
        r"is at [0-9a-f]+ but expected",
        r"incorrect old value",
        r"\[rejected\]",
    ),
    # --- who we are
    _row(
        Fault.PROXY,
        "are the proxy's name and password right?",
        r"code 407",
        r"Proxy Authentication Required",
    ),
    _row(
        Fault.CREDENTIALS,
        "{login}",
        r"Authentication failed",
        r"could not read (?:Username|Password)",
        r"terminal prompts disabled",
        r"error: 401",
        r"HTTP Basic: Access denied",
        r"Invalid username or (?:password|token)",
        r"Permission denied \((?:publickey|password|keyboard|gssapi)",
        r"Permission denied, please try again",
        r"Too many authentication failures",
    ),
    _row(
        Fault.FORBIDDEN,
        "the account's credentials are known, but may not do this: do they have write access to the "
        "repository?",
        r"error: 403",
        r"Permission to \S+ denied",
        r"write access .* not granted",
        r"insufficient.*(?:scope|permission)",
        r"deploy key .*(?:read|write)",
        r"key .*read.?only",
    ),
    # --- where it is
    _row(
        Fault.REDIRECT,
        "the server sends this address elsewhere (renamed, moved, a missing .git, or a page to sign in), "
        "and git must not follow with credentials: give the address that it has now",
        r"error: 30[12378]",
        r"unable to update url base from redirection",
    ),
    _row(
        Fault.NO_BRANCH,
        "is the branch there? Name another one with --base",
        r"couldn't find remote ref",
        r"no such remote ref",
        r"Remote branch .* not found",
    ),
    _row(
        Fault.LEFT_OUT,
        _LEFT_OUT,
        r"(?:unadvertised object|not our ref)[\s\S]* from promisor remote",
    ),
    _row(
        Fault.NO_COMMIT,
        "the base commit is gone from the remote (was the branch rewritten?): submit again",
        r"not our ref",
        r"unadvertised object",
        r"no such commit",
    ),
    _row(
        Fault.OWNER,
        "the local repository belongs to another user; run the worker as its owner",
        r"dubious ownership",
    ),
    _row(
        Fault.PROTOCOL,
        "use an https://, ssh:// or file address",
        r"transport '.*' not allowed",
        r"unable to find remote helper",
        r"is not a git command",
    ),
    _row(
        Fault.NOT_FOUND,
        "is the address right, and may the account see it?",
        r"repository .*not found",
        r"Repository not found",
        r"does not exist",
        r"does not appear to be a git",
        r"not exported",
        r"error: 404",
        r"could not be found",
    ),
    # --- the way there
    _row(
        Fault.RATE_LIMIT,
        "the server limits requests: tried again",
        r"error: 429",
        r"rate limit",
        r"too many requests",
    ),
    # The rest of a broken connection, whose messages below mention TLS too.
    _row(
        Fault.NETWORK,
        "",
        r"TLS connection was non-properly",
        r"unexpected eof",
        r"SSL_ERROR_SYSCALL",
        r"Connection reset",
    ),
    _row(
        Fault.TLS,
        "can {ca} be read, and are these certificates (PEM)?",
        r"SSL CA cert",
        r"certificate verify locations",
        r"certificate file",
    ),
    _row(
        Fault.TLS,
        "the server's certificate is not trusted: is the address right? For an authority of your own set "
        "the account's caFile to its certificates (PEM)",
        r"(?:SSL|server|peer|issuer|signed) certificate",
        r"certificate (?:verif|has|is|subject)",
        r"gnutls_handshake",
        r"SSL_connect",
        r"SSL routines",
        r"sslVersion",
    ),
    _row(
        Fault.NETWORK,
        "",
        r"Could not resolve",
        r"Failed to connect",
        r"Couldn't connect",
        r"Connection (?:refused|timed out|closed)",
        r"timed out",
        r"too slow",
        r"early EOF",
        r"unexpected disconnect",
        r"RPC failed",
        r"error: 5\d\d",
        r"hung up",
        r"Temporary failure",
        r"No route to host",
        r"Network is unreachable",
        r"kex_exchange",
        r"Broken pipe",
        r"Proxy CONNECT",
        r"code \d+ from proxy",
        r"did not send all necessary objects",
        r"Could not connect",
    ),
    # Last, for it says nothing of the reason, which stands before it.
    _row(Fault.LEFT_OUT, _LEFT_OUT, r"could not fetch \S+ from promisor remote", r"lazy fetching disabled"),
)
"""The first row that fits wins, so the narrower one stands first."""
