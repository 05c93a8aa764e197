"""Templates of pages. Whatever they show is escaped; `ground.css` holds what all pages look like."""

from __future__ import annotations

import re
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

from tamma.errors import ConfigError

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""And what turns the direction of writing: a task's name must not rewrite the line it stands on."""
_GROUND = "ground.css"


def template(package: str, name: str, *, needs: tuple[str, ...] = (), instead: str) -> Any:
    """The template `templates/<name>` of `package`, which may include `ground.css`.

    `needs`: what its page needs beside jinja2. `instead`: for the hint, what needs nothing more. Raises
    ConfigError where the extra `reports` is not installed.
    """
    if lacking := [library for library in ("jinja2", *needs) if find_spec(library) is None]:
        raise ConfigError(
            f"an HTML report needs {' and '.join(lacking)}, which is not installed",
            hint=f"pip install 'tamma[reports]'; {instead}",
        )
    from jinja2 import DictLoader, Environment, StrictUndefined

    texts = {
        name: files(package).joinpath("templates", name).read_text("utf-8"),
        _GROUND: files("tamma.pages").joinpath(_GROUND).read_text("utf-8"),
    }
    environment = Environment(
        loader=DictLoader(texts),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_printable,
    )
    return environment.get_template(name)


def _printable(value: Any) -> Any:
    """Without the controls that no page may hold."""
    return _CONTROLS.sub("\ufffd", value) if type(value) is str else value
