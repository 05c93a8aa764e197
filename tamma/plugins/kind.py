"""What tells one kind of adapter from another, as far as the host of plugins must know."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from tamma import errors
from tamma.errors import ConfigError, TammaError
from tamma.plugins.messages import Failure, Vocabulary


@dataclass(frozen=True, slots=True)
class Account:
    """The configured entry that a process serves."""

    name: str
    options: Mapping[str, object] = field(default_factory=dict[str, object], repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What the plugin was given and must not repeat."""
    readable: tuple[str, ...] = ()
    """Paths that the entry names for the plugin to read, beside `options.sandbox.read`."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Providers, or platforms."""

    noun: str
    """As messages have it; the errors' attribute that names the entry has the same name."""
    child: str
    """The module that a process runs."""
    declared: tuple[str, ...]
    """The attributes of a plugin."""
    vocabulary: Vocabulary
    errors: Mapping[str, type[TammaError]]
    """What a plugin may raise, by name."""
    details: tuple[str, ...]
    """Attributes of these errors that cross, beside message, hint and `retry_after`."""
    rebuilt: Callable[[type[TammaError], Failure, Account], TammaError]
    """One of `errors` as it was raised, its failure's words already clean."""
    base: type[TammaError]
    """For what is none of `errors`: a bug of the plugin."""
    ended: type[TammaError]
    """The process ended during a call; retried."""
    late: type[TammaError]
    """No answer in time; retried."""
    busy: type[TammaError]
    """Started too often lately; retried after `retry_after`."""
    too_long: type[TammaError]
    """What is asked does not fit the pipe."""

    def error(
        self,
        kind: Callable[..., TammaError],
        message: str,
        account: Account,
        *,
        hint: str | None = None,
        retry_after: float | None = None,
    ) -> TammaError:
        """An error of the kind's tree that names the account."""
        return kind(message, hint=hint, retry_after=retry_after, **{self.noun: account.name})


def errors_of(*bases: type[TammaError]) -> Mapping[str, type[TammaError]]:
    """The classes of `tamma.errors` below `bases`, and ConfigError, by name."""
    wanted = (*bases, ConfigError)
    found: Iterable[tuple[str, object]] = vars(errors).items()
    return {name: kind for name, kind in found if isinstance(kind, type) and issubclass(kind, wanted)}


def passed_on(options: Mapping[str, object]) -> dict[str, object]:
    """The options that the plugin is told: all but what is said to us about it."""
    return {name: value for name, value in options.items() if name != "sandbox"}
