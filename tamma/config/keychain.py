"""The operating system's keychain, through `keyring`. The one module that knows it; imported when needed."""

from __future__ import annotations

from tamma.errors import ConfigError

_INSTEAD = "use env:NAME or file:PATH where there is no keychain, as on most servers"


def available() -> bool:
    """Whether this process has a keychain that keeps secrets by itself."""
    import keyring
    from keyring.backends import chainer, fail, null

    backend = keyring.get_keyring()
    if isinstance(backend, chainer.ChainerBackend):
        return bool(backend.backends)
    return not isinstance(backend, fail.Keyring | null.Keyring)


def read(service: str, name: str, where: str) -> str | None:
    """The secret `name` of `service`; None where the keychain has none. Raises ConfigError where there is no
    keychain, or it does not open."""
    import keyring
    from keyring.errors import KeyringError

    if not available():
        raise ConfigError(f"{where} refers to the keychain, and there is none", hint=_INSTEAD)
    try:
        return keyring.get_password(service, name)
    except KeyringError as error:
        raise ConfigError(
            f"{where} refers to the keychain, which cannot be read: {_said(error)}", hint=_INSTEAD
        ) from None


def write(service: str, name: str, secret: str) -> None:
    """Keep a secret. Raises ConfigError where the keychain does not take it."""
    import keyring
    from keyring.errors import KeyringError

    try:
        keyring.set_password(service, name, secret)
    except KeyringError as error:
        raise ConfigError(f"the keychain does not keep {name!r}: {_said(error)}", hint=_INSTEAD) from None


def _said(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
