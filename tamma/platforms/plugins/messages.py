"""What is said to a platform's process and by it, beside what all plugins' processes have (`tamma.plugins`).

Each method of the protocol is a call that its result answers (`methods`), the others are here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tamma.platforms.plugins.methods import functions, method, named_by
from tamma.platforms.plugins.settings import Told
from tamma.plugins.messages import Vocabulary, vocabulary


@dataclass(frozen=True, slots=True)
class Validate:
    """Answered by `Problems`."""

    settings: Told


@dataclass(frozen=True, slots=True)
class Detect:
    """Whether `url`, which holds no credentials, is on a host of this type. Answered by `Detected`."""

    url: str


@dataclass(frozen=True, slots=True)
class Open:
    """Make the platform and start it. Answered by `Opened`."""

    settings: Told


@dataclass(frozen=True, slots=True)
class Detected:
    ours: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """The platform is started."""


class Messages(Mapping[str, type]):
    """All that is said, made when first asked for."""

    def __init__(self) -> None:
        self._few = vocabulary(Validate, Detect, Open, Detected, Opened)

    def __getitem__(self, message: str) -> type:
        if message in self._few:
            return self._few[message]
        name = named_by(message)
        if name is None:
            raise KeyError(message)
        found = method(name)
        return found.call if found.call.__name__ == message else found.result

    def __iter__(self) -> Iterator[str]:
        yield from self._few
        for name in functions():
            yield from (f"call_{name}", f"result_{name}")

    def __len__(self) -> int:
        return len(self._few) + 2 * len(functions())


VOCABULARY: Vocabulary = Messages()
