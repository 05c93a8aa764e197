"""The part of the configuration's shape that is about Git platforms and trackers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from tamma.config.section import JsonObject, Name, Seconds, Section, listed

Texts = Annotated[tuple[str, ...], BeforeValidator(listed)]


def _date(given: str) -> str:
    datetime.fromisoformat(given)  # its ValueError says what is wrong
    return given


def _number_as_text(given: object) -> object:
    return str(given) if isinstance(given, int) and not isinstance(given, bool) else given


Date = Annotated[str, AfterValidator(_date)]
"""Text and no `datetime`: a validated configuration is kept as JSON."""
Id = Annotated[str, BeforeValidator(_number_as_text)]


class Credentials(Section):
    """How the platform knows you. Which of them are used, `authType` says."""

    access_token: str | None = None
    """A reference: `env:NAME`, `file:PATH` or `keyring:SERVICE/NAME`. With `basic` the password, or an API
    token."""
    expires_at: Date | None = None
    """When the access token ends (ISO 8601), where the platform does not say; you are warned before."""
    username: str | None = None
    """Whose token it is, where the platform wants both: an e-mail address for Bitbucket Cloud and Jira. May
    be a reference."""
    client_id: Id | None = None
    """`oauth`: the application's id. May be a reference."""
    client_secret: str | None = None
    """`oauth`: the application's secret, a reference. None: it is a public one."""
    refresh_token: str | None = None
    """`oauth`: what access tokens are renewed with, a reference. Where the platform changes it at every use,
    Tamma keeps the newest one, see Secrets."""
    token_url: str | None = None
    """`oauth`: where access tokens are renewed. None: the address that the platform's type knows."""
    app_id: Id | None = None
    """`app`: the GitHub App's id, or its client id."""
    private_key: str | None = None
    """`app`: its private key (PEM), a reference."""
    installation_id: Id | None = None
    """`app`: the installation. None: the only one that the App has."""
    ssh_key: str | None = None
    """`ssh`: path of the private key. None: what ssh finds by itself."""
    known_hosts: str | None = None
    """`ssh`: path of the known hosts. None: yours."""


class LabelsConfig(Section):
    """The labels that mean something on this platform."""

    pull_request: Texts = ()
    """Put on every pull request."""
    needs_human: str | None = "needs-human-review"
    """Put on where a run needs a person and nobody has come. `null`: none."""
    in_progress: str | None = None
    """For issues that a run works on. No run puts it on yet. None: none."""


class TrackerConfig(Section):
    """Another account where the issues are, beside this one for the code."""

    platform: Name
    """Its `platformId`, of type `jira` for example."""
    project: Annotated[str, Field(min_length=1)] | None = None
    """The project there: Jira's key, or `owner/repo`. None: of the repository's own name."""


class PlatformConfig(Section):
    """One platform's account."""

    platform_id: Name
    """The account's name: mostly the host in an issue's address, and the word before the colon in
    `HOST:owner/repo#12`. `name` is understood as well."""
    platform_type: str
    """What it speaks: one of `tamma platforms list --types`."""
    base_url: str | None = None
    """The address, for servers of your own: `https://HOST/api/v3` for GitHub Enterprise."""
    auth_type: Literal["pat", "oauth", "app", "basic", "ssh"] = "pat"
    """`pat`: a token. `oauth`: a token that is renewed. `app`: a GitHub App. `basic`: a username with a token
    or password. `ssh`: a key, for git alone."""
    credentials: Credentials = Field(default_factory=Credentials)
    webhook_secret: Texts = ()
    """A reference, or a list of them: each is accepted, so that it can be changed without losing an event."""
    repositories: Texts = ()
    """Which repositories this account is for, where several have one host: `github.com/acme/*`. The most
    specific one wins. None: all that no other account claims."""
    issues: TrackerConfig | None = None
    """None: the issues are this platform's own."""
    default_branch: str | None = None
    """The branch that changes are for. None: what the platform says."""
    pull_request_template: str | None = None
    """Stands below Tamma's own text: a path in the repository, or the text itself where it has several
    lines. None: Tamma's text alone."""
    labels: LabelsConfig = Field(default_factory=LabelsConfig)
    people: Texts = ()
    """Logins. Of those who may write to a repository, only they can give commands in comments; a run calls
    them by name when nobody has answered it. None: all who may write, and nobody by name."""
    clone_url: str | None = None
    """A template of the address to clone from, `{owner}` and `{name}` filled in."""
    git_over: Literal["https", "ssh"] = "https"
    """How git reaches the repositories."""
    delivery: Literal["push", "api"] = "push"
    """`push`: by git. `api`: as one commit through the platform's API, for tokens that may not push."""
    ca_file: str | None = None
    """Path of the certificates (PEM) that sign the server's, beside the system's."""
    proxy: str | None = None
    """Address of an HTTP proxy, or a reference to one with a password. None: what the environment says."""
    max_concurrent: Annotated[int, Field(ge=1, le=100)] = 10
    """Calls at once from one worker."""
    timeout: Seconds = 30.0
    """Seconds for one request."""
    options: JsonObject = Field(default_factory=JsonObject)
    """What only this type understands."""


class PlatformsConfig(Section):
    """The Git platforms."""

    default: str | None = None
    """What `owner/repo#12` means, by its `platformId`. None: the first entry that is not `plain-git`."""
    available: tuple[PlatformConfig, ...] = ()
    """One entry an account."""
