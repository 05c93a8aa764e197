"""From a platform's entry to what its adapter takes: secrets are resolved here, late."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from tamma.config.load import DEFAULT_ORIGIN, LoadedConfig
from tamma.config.secrets import env_name, is_reference, resolve_secret
from tamma.errors import BadCredentials, ConfigError
from tamma.model.conventions import Conventions

if TYPE_CHECKING:
    from tamma.config.schema_platforms import Credentials, PlatformConfig
    from tamma.platforms.accounts import Account
    from tamma.platforms.interface import (
        AppSettings,
        OAuthSettings,
        PlatformSettings,
        TokenSource,
    )
    from tamma.platforms.tracked import Tracking


def platform_entry(loaded: LoadedConfig, platform_id: str) -> PlatformConfig:
    """Raises ConfigError listing the ids there are."""
    entries = loaded.config.platforms.available
    for entry in entries:
        if entry.platform_id == platform_id:
            return entry
    ids = ", ".join(entry.platform_id for entry in entries)
    raise ConfigError(f"there is no platform configured as {platform_id!r}", hint=f"choose one of: {ids}")


def platform_accounts(loaded: LoadedConfig) -> tuple[Account, ...]:
    """The configured platforms as far as names go."""
    from tamma.platforms.accounts import account

    return tuple(
        account(
            entry.platform_id,
            entry.platform_type,
            entry.base_url,
            repositories=tuple(entry.repositories),
            tracker=entry.issues.platform if entry.issues else "",
            built_in=loaded.origin(f"platforms.available[{entry.platform_id}].platformType")
            == DEFAULT_ORIGIN,
        )
        for entry in loaded.config.platforms.available
    )


def settings_for_platform(loaded: LoadedConfig, platform_id: str) -> PlatformSettings:
    """The settings of the platform account `platform_id`.

    A missing token is no error here: public repositories can be read without. Raises ConfigError where there
    is none of that id or its entry contradicts itself, BadCredentials where an app's key is missing.
    """
    from tamma.platforms.interface import PlatformSettings

    return _Entry(loaded, platform_entry(loaded, platform_id)).settings(PlatformSettings)


def conventions_for_platform(loaded: LoadedConfig, platform_id: str) -> Conventions:
    """How pull requests and labels are to look there. Raises ConfigError where there is none of that id."""
    entry = platform_entry(loaded, platform_id)
    tracker = platform_entry(loaded, entry.issues.platform) if entry.issues else None
    return Conventions(
        default_branch=entry.default_branch,
        pull_request_template=entry.pull_request_template,
        pull_request_labels=tuple(entry.labels.pull_request),
        needs_human_label=entry.labels.needs_human,
        in_progress_label=entry.labels.in_progress,
        people=tuple(entry.people),
        tracker=tracker.platform_id if tracker else None,
        tracker_type=tracker.platform_type if tracker else "",
    )


def tracking_for_platform(loaded: LoadedConfig, platform_id: str) -> Tracking | None:
    """Where its issues are, if elsewhere. Raises ConfigError where there is no account of that id."""
    from tamma.platforms.tracked import Tracking

    issues = platform_entry(loaded, platform_id).issues
    return None if issues is None else Tracking(issues.platform, issues.project)


def platform_references(entry: PlatformConfig) -> list[str]:
    """Every reference to a secret in an entry."""
    values = [*_texts(entry.credentials), *entry.webhook_secret, entry.proxy]
    return [value for value in values if value is not None and is_reference(value)]


def token_ends(entry: PlatformConfig) -> datetime | None:
    """When the entry says that its access token ends."""
    if entry.credentials.expires_at is None:
        return None
    given = datetime.fromisoformat(entry.credentials.expires_at)
    return given if given.tzinfo else given.replace(tzinfo=UTC)


def ending_tokens(loaded: LoadedConfig, now: datetime) -> list[tuple[str, str]]:
    """The accounts whose entries say that a token ends within two weeks, and when."""
    from tamma.platforms.auth.expiry import ends_within

    told = [
        (entry.platform_id, ends_within(token_ends(entry), now))
        for entry in loaded.config.platforms.available
    ]
    return [(platform_id, words) for platform_id, words in told if words is not None]


def _texts(credentials: Credentials) -> list[str | None]:
    # By `vars`: what was kept from an earlier command is no model, but has its attributes.
    return list(vars(credentials).values())


class _Entry:
    """One entry, while its settings are made."""

    def __init__(self, loaded: LoadedConfig, entry: PlatformConfig) -> None:
        self._loaded = loaded
        self._entry = entry
        self._where = f"platforms.available[{entry.platform_id}]"

    def settings(self, make: type[PlatformSettings]) -> PlatformSettings:
        entry, given = self._entry, self._entry.credentials
        token = self._secret("credentials.accessToken", given.access_token)
        username = self._plain("credentials.username", given.username) or ""
        if entry.auth_type == "basic" and not given.username:
            raise self._wrong('authType "basic" needs credentials.username')
        oauth = self._oauth() if entry.auth_type == "oauth" else None
        return make(
            id=entry.platform_id,
            type=entry.platform_type,
            base_url=entry.base_url,
            token=token,
            username=username,
            auth=entry.auth_type,
            oauth=oauth,
            app=self._app() if entry.auth_type == "app" else None,
            tokens=self._tokens(token, oauth),
            webhook_secrets=self._webhook_secrets(),
            clone_url=self._clone_url(),
            git_over="ssh" if entry.auth_type == "ssh" else entry.git_over,
            ssh_key=self._path("credentials.sshKey", given.ssh_key),
            known_hosts=self._path("credentials.knownHosts", given.known_hosts),
            delivery=entry.delivery,
            default_branch=entry.default_branch,
            ca_file=self._path("caFile", entry.ca_file),
            proxy=self._proxy(),
            max_concurrent=entry.max_concurrent,
            timeout=entry.timeout,
            options=dict(cast("Mapping[str, object]", entry.options)),
        )

    def _oauth(self) -> OAuthSettings | None:
        from tamma.platforms.auth.endpoints import token_url
        from tamma.platforms.interface import OAuthSettings

        given = self._entry.credentials
        refresh = self._secret("credentials.refreshToken", given.refresh_token)
        if refresh is None:
            return None  # the access token is used as long as it lasts
        address = given.token_url or token_url(self._entry.platform_type, self._entry.base_url)
        if address is None:
            raise self._wrong("a refresh token needs credentials.tokenUrl")
        client = self._plain("credentials.clientId", given.client_id)
        if client is None:
            raise self._wrong("a refresh token needs credentials.clientId")
        secret = self._secret("credentials.clientSecret", given.client_secret)
        return OAuthSettings(address, client, secret, refresh)

    def _app(self) -> AppSettings:
        from tamma.platforms.interface import AppSettings

        given = self._entry.credentials
        app_id = self._plain("credentials.appId", given.app_id)
        if app_id is None or given.private_key is None:
            raise self._wrong('authType "app" needs credentials.appId and credentials.privateKey')
        key = self._secret("credentials.privateKey", given.private_key)
        if key is None:
            name = env_name(given.private_key) or given.private_key
            raise BadCredentials(
                f"the platform {self._entry.platform_id!r} has no private key: {name} is not set",
                hint="set it to the app's private key (PEM), or refer to its file: file:PATH",
                platform=self._entry.platform_id,
            )
        return AppSettings(app_id, key, self._plain("credentials.installationId", given.installation_id))

    def _tokens(self, token: str | None, oauth: OAuthSettings | None) -> TokenSource | None:
        """Where the token comes from while it may change; None for what the adapter makes itself."""
        entry = self._entry
        if entry.auth_type in ("app", "ssh"):
            return None
        if oauth is not None:
            from tamma.config.vault import KeptGrants
            from tamma.platforms.auth.endpoint import TokenEndpoint
            from tamma.platforms.auth.oauth import OAuthToken

            ends = token_ends(entry)
            return OAuthToken(
                TokenEndpoint(
                    entry.platform_id,
                    oauth,
                    ca_file=self._path("caFile", entry.ca_file),
                    proxy=self._proxy(),
                    timeout=entry.timeout,
                ),
                KeptGrants(self._loaded.home, self._loaded.env, entry.platform_id),
                access_token=token,
                expires_at=ends.timestamp() if ends else None,
            )
        if entry.credentials.access_token is None:
            return None
        from tamma.platforms.auth.static import StaticToken

        reference = entry.credentials.access_token
        return StaticToken(
            entry.platform_id, token, lambda: self._secret("credentials.accessToken", reference)
        )

    def _webhook_secrets(self) -> tuple[str, ...]:
        found = (self._secret("webhookSecret", reference) for reference in self._entry.webhook_secret)
        return tuple(secret for secret in found if secret)

    def _secret(self, key: str, reference: str | None) -> str | None:
        return resolve_secret(reference, self._loaded.env, f"{self._where}.{key}")

    def _plain(self, key: str, value: str | None) -> str | None:
        """What may be written down or referred to."""
        return self._secret(key, value) if is_reference(value) else value

    def _proxy(self) -> str | None:
        address = self._plain("proxy", self._entry.proxy)
        if address is None:
            return None
        try:
            parts = urlsplit(address)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not (usable and address.isprintable()):  # not repeated: it may hold a password
            raise self._wrong("proxy is not the address of an HTTP proxy", "write it as http://HOST:PORT")
        return address

    def _clone_url(self) -> str | None:
        template = self._entry.clone_url
        if template is None:
            return None
        try:
            names = {field for _, field, _, _ in Formatter().parse(template) if field is not None}
        except ValueError:
            names = {"{"}
        if not names <= {"owner", "name"}:
            raise self._wrong(
                f"cloneUrl is the template {template!r}, in which something else than {{owner}} and {{name}} "
                "is to be filled in",
                "write it like https://mirror.example.com/{owner}/{name}.git",
            )
        return template

    def _path(self, key: str, value: str | None) -> str | None:
        """A file that must be there."""
        if value is None:
            return None
        path = Path(value.removeprefix("file:")).expanduser()
        if not path.is_absolute():
            raise self._wrong(f"{key} is the relative path {value!r}", "write it in full")
        if not path.is_file():
            raise self._wrong(f"{key} names {value!r}, which is no file")
        return str(path)

    def _wrong(self, what: str, hint: str | None = None) -> ConfigError:
        return ConfigError(f"{self._where}: {what}", hint=hint or "docs/accounts.md has an example of each")
