"""An agent as a folder: `agent.yaml` (or `agent.json`), and its prompts as files beside it.

A prompt's file ends with one line break that is not part of the prompt: editors and diffs want it so.
Whatever stands in the folder is data: nothing of it is executed, and no path in it leads out of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast

from tamma.agents.configs import texts
from tamma.agents.configs.naming import check_name
from tamma.errors import ConfigError
from tamma.model.agent import AgentConfig
from tamma.model.agent_form import SYSTEM_PROMPT, config_from_form, config_to_form

Format = Literal["yaml", "json"]
FILES = ("agent.yaml", "agent.yml", "agent.json")
PROMPTS = "prompts"
MOST_BYTES = 1024 * 1024
"""Of one file. More than any model's window holds."""

_PROMPT_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")


@dataclass(frozen=True, slots=True)
class AgentFile:
    """What a folder holds. `name` is empty where its file names none."""

    name: str
    config: AgentConfig


def write_folder(
    folder: Path, name: str, config: AgentConfig, *, form: Format = "yaml", head: str = ""
) -> None:
    """Write an agent into a folder, which is made if need be. `head` is a comment for the top (YAML alone).

    Raises ConfigError where a file of it is there already: nothing is written over.
    """
    for prompt in config.prompts:
        if not _PROMPT_NAME.fullmatch(prompt):
            raise ConfigError(f"the prompt {prompt!r} cannot be a file's name")
    values: dict[str, object] = {"name": name, **config_to_form(replace(config, prompts={}))}
    if config.prompts:
        values["prompts"] = {prompt: f"{PROMPTS}/{prompt}.md" for prompt in config.prompts}
    written = {f"{PROMPTS}/{prompt}.md": text + "\n" for prompt, text in config.prompts.items()}
    comment = "".join(f"# {line}\n" for line in head.splitlines())
    written[f"agent.{form}"] = (
        comment + texts.write_yaml(values) if form == "yaml" else texts.write_json(values)
    )
    there = [path for path in (*FILES, *written) if (folder / path).exists()]
    if there:
        raise ConfigError(f"{str(folder / there[0])!r} is there already", hint="name another folder")
    try:
        for path, text in written.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(text.encode())
    except OSError as error:
        raise _unusable(folder, error) from error


def read_folder(path: Path) -> AgentFile:
    """The agent in a folder, or in the file of one. Raises ConfigError."""
    file = _file(path)
    where = str(file)
    read = texts.read_json if file.suffix == ".json" else texts.read_yaml
    values = dict(read(_text(file), where))
    name = values.pop("name", "")
    if not isinstance(name, str):
        raise ConfigError(f"{where}: 'name' must be a text", hint="put it in quotes")
    prompts = values.get("prompts")
    if prompts is not None:
        values["prompts"] = _prompts(file.parent, prompts, where)
    return AgentFile(check_name(name) if name else "", config_from_form(values, where))


def _prompts(folder: Path, given: object, where: str) -> Mapping[str, str]:
    if not isinstance(given, dict):
        raise ConfigError(
            f"{where}: 'prompts' must be a mapping from names to files",
            hint=f"`system: {PROMPTS}/system.md`; for the text itself there is {SYSTEM_PROMPT!r}",
        )
    found: dict[str, str] = {}
    for name, path in cast("dict[object, object]", given).items():
        if not isinstance(path, str):
            raise ConfigError(f"{where}: prompts.{name} must be a file's path in this folder")
        text = _text(_inside(folder, path, f"{where}: prompts.{name}"))
        found[str(name)] = text.removesuffix("\n")
    return found


def _inside(folder: Path, path: str, what: str) -> Path:
    """The file at `path`, which must be in the folder, links followed."""
    try:
        root, file = folder.resolve(), (folder / path).resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigError(f"{what}: {path!r} is no path: {error}") from error
    if "\n" in path or len(path) > 255:
        raise ConfigError(
            f"{what} must be a file's path, and holds a text", hint=f"write the text into {PROMPTS}/NAME.md"
        )
    if Path(path).is_absolute() or not file.is_relative_to(root):
        raise ConfigError(f"{what}: {path!r} leads out of the folder", hint="keep prompts beside the file")
    if not file.is_file():
        raise ConfigError(f"{what}: there is no file {path!r}", hint=f"it is looked for in {str(folder)!r}")
    return file


def _file(path: Path) -> Path:
    if path.is_file():
        return path
    found = [path / name for name in FILES if (path / name).is_file()]
    if not found:
        raise ConfigError(
            f"there is no agent in {str(path)!r}",
            hint="a folder of one has an agent.yaml: see `tamma agent export`",
        )
    if len(found) > 1:
        raise ConfigError(
            f"{str(found[0])!r} and {str(found[1])!r} are both there", hint="name the one that counts"
        )
    return found[0]


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise _unusable(file, error) from error
    if len(content) > MOST_BYTES:
        raise ConfigError(
            f"{str(file)!r} has more than {MOST_BYTES:,} bytes", hint="no model reads that much"
        )
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{str(file)!r} is not UTF-8: {error}", hint="save it as UTF-8") from error


def _unusable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(f"{str(path)!r} cannot be used: {error.strerror or error}")
