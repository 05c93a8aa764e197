"""Names of served tools: `server__tool`, as every model's service takes them. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

from tamma.toolservers.interface import SEPARATOR

LONGEST = 64
_STRANGE = re.compile(r"[^a-zA-Z0-9_-]+")
_MARK = 6


def named(tools: Iterable[tuple[str, str]]) -> Mapping[str, tuple[str, str]]:
    """From a model's name of a tool to its (server, tool).

    A name is the same in every process and whatever else there is, but where two would be the same: those
    get a mark of their true names. A transcript may name a tool long after it was discovered.
    """
    wanted = sorted(set(tools))
    plain = [_plain(server, tool) for server, tool in wanted]
    return {
        name if plain.count(name) == 1 else _marked(name, server, tool): (server, tool)
        for name, (server, tool) in zip(plain, wanted, strict=True)
    }


def _plain(server: str, tool: str) -> str:
    name = f"{_sane(server)}{SEPARATOR}{_sane(tool)}"
    return name if len(name) <= LONGEST else _marked(name, server, tool)


def _marked(name: str, server: str, tool: str) -> str:
    mark = hashlib.sha256(f"{server}\0{tool}".encode()).hexdigest()[:_MARK]
    return f"{name[: LONGEST - _MARK - 1]}_{mark}"


def _sane(text: str) -> str:
    return _STRANGE.sub("_", text).strip("_") or "x"
