"""SWE-bench's form, as its datasets have it: one JSON object a line (or one JSON list of them).

Read as it is: `FAIL_TO_PASS` and `PASS_TO_PASS` may be lists or JSON texts of lists; columns that are not
needed are passed over. `hints_text` (comments from before the solution) is not shown to the agent unless
asked for, as in the benchmark's own rules. What the benchmark's container images prepare (old interpreters,
pinned packages) is not part of the data: the project's own environment is built instead.

Fields after https://huggingface.co/datasets/princeton-nlp/SWE-bench (README, dataset_info).
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from tamma.errors import ConfigError
from tamma.model.suite import HiddenTests, SuiteTask
from tamma.suites.forms.problems import explain, nearest
from tamma.suites.patches import touched_paths

GITHUB = "https://github.com"
_DJANGO = "django/django"


def _names(value: object) -> object:
    """A list of names, or the JSON text of one."""
    if isinstance(value, str):
        try:
            return json.loads(value) if value.strip() else []
        except (ValueError, RecursionError):
            raise ValueError("is neither a list nor the JSON text of one") from None
    return [] if value is None else value


def _text(value: object) -> object:
    return "" if value is None else value


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
LooseText = Annotated[str, BeforeValidator(_text)]


class Instance(BaseModel):
    """One line of a SWE-bench dataset."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    instance_id: str
    repo: str
    base_commit: str
    problem_statement: str
    patch: LooseText = ""
    test_patch: LooseText = ""
    hints_text: LooseText = ""
    version: LooseText = ""
    environment_setup_commit: LooseText = ""
    fail_to_pass: Names = Field(default=(), alias="FAIL_TO_PASS")
    pass_to_pass: Names = Field(default=(), alias="PASS_TO_PASS")


@dataclass(frozen=True, slots=True)
class Reading:
    """How instances become tasks."""

    repository_root: Path | None = None
    """A folder of local clones, instead of GitHub."""
    hints: bool = False


def looks_like(raw: object) -> bool:
    """Whether a value is an instance of SWE-bench's form."""
    return isinstance(raw, dict) and {"instance_id", "base_commit"} <= cast("dict[str, object]", raw).keys()


def read_tasks(text: str, where: str, reading: Reading) -> tuple[SuiteTask, ...]:
    """The tasks of a dataset's text. Raises ConfigError naming the line that is wrong, and how."""
    return tuple(
        _task(_instance(raw, where, line), reading, where, line) for line, raw in _objects(text, where)
    )


def _objects(text: str, where: str) -> Iterator[tuple[int, object]]:
    """(line, object) of JSONL; of a list in one JSON text, (1 + its place, object)."""
    if text.lstrip().startswith("["):
        try:
            listed = cast("list[object]", json.loads(text))
        except (ValueError, RecursionError) as error:
            at = f"line {error.lineno}: " if isinstance(error, json.JSONDecodeError) else ""
            reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            raise ConfigError(f"{where}: {at}this is not JSON: {reason}") from error
        yield from enumerate(listed, 1)
        return
    # Not `splitlines`: a text may hold other characters that it takes for line ends.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            raise ConfigError(
                f"{where}: line {number}: this is not JSON: {reason}",
                hint="a JSONL file has one JSON object a line",
            ) from error


def _instance(raw: object, where: str, line: int) -> Instance:
    try:
        return Instance.model_validate(raw)
    except ValidationError as error:
        problem = explain(error, Instance, where, lambda _: line)
        raise ConfigError(problem.message, hint=_misspelt(raw, error) or problem.hint) from error


def _misspelt(raw: object, error: ValidationError) -> str | None:
    """The key of a line that was probably meant to be one that is missing."""
    if not isinstance(raw, dict):
        return "each line is a JSON object"
    known = {name for field in Instance.model_fields.items() for name in (field[0], field[1].alias) if name}
    spare = [key for key in cast("dict[str, object]", raw) if key not in known]
    missing = [str(detail["loc"][0]) for detail in error.errors() if detail["type"] == "missing"]
    meant = [f"{found!r} is probably {name!r}" for name in missing if (found := nearest(name, spare))]
    return "; ".join(meant) or None


def _task(instance: Instance, reading: Reading, where: str, line: int) -> SuiteTask:
    title, _, rest = instance.problem_statement.strip().partition("\n")
    issue = instance.problem_statement
    if reading.hints and instance.hints_text.strip():
        issue = f"{issue.rstrip()}\n\n## Comments\n\n{instance.hints_text.strip()}\n"
    try:
        command = test_command(instance)
    except ValueError as error:
        raise ConfigError(f"{where}: line {line}: 'test_patch' is no unified diff: {error}") from error
    return SuiteTask(
        id=instance.instance_id,
        repository=_repository(instance.repo, reading.repository_root, where, line),
        base_commit=instance.base_commit,
        title=title.strip("# ")[:200] or instance.instance_id,
        issue=issue if rest or title else instance.instance_id,
        hidden_tests=HiddenTests(
            patch=instance.test_patch,
            command=command,
            fail_to_pass=instance.fail_to_pass,
            pass_to_pass=instance.pass_to_pass,
        ),
        gold_patch=instance.patch,
    )


def test_command(instance: Instance) -> str:
    """How an instance's hidden tests are run; empty where the project's own command has to serve.

    The names say which runner made them: pytest's have `::`, Django's runner writes `test (module.Class)`.
    """
    names = (*instance.fail_to_pass, *instance.pass_to_pass)
    paths = [path for path in touched_paths(instance.test_patch) if path.endswith(".py")]
    if instance.repo == _DJANGO:
        labels = _django_labels(paths)
        return f"python tests/runtests.py --verbosity 2 --parallel 1 {' '.join(labels)}" if labels else ""
    if any("::" in name for name in names):
        files = [path for path in paths if path.rpartition("/")[2].startswith("test_") or "_test." in path]
        return "python -m pytest -rap --tb=short " + shlex.join(files or _files_of(names))
    return ""


def _django_labels(paths: Sequence[str]) -> list[str]:
    inside = [path.removeprefix("tests/").removesuffix(".py") for path in paths if path.startswith("tests/")]
    return [label.replace("/", ".") for label in inside]


def _files_of(names: Sequence[str]) -> list[str]:
    return sorted({name.partition("::")[0] for name in names if "::" in name})


def _repository(repo: str, root: Path | None, where: str, line: int) -> str:
    owner, slash, name = repo.partition("/")
    if not (owner and slash and name) or ".." in repo or "/" in name:
        raise ConfigError(
            f"{where}: line {line}: 'repo' is {repo!r}", hint="it is `owner/name` of a repository on GitHub"
        )
    if root is None:
        return f"{GITHUB}/{repo}"
    places = [root / owner / name, root / f"{owner}__{name}", root / name]
    candidates = [made for place in places for made in (place, place.with_name(place.name + ".git"))]
    for place in candidates:
        if place.is_dir():
            return str(place.resolve())
    raise ConfigError(
        f"{where}: line {line}: there is no clone of {repo!r} in {str(root)!r}",
        hint=f"clone it to {str(root / owner / name)!r}, or leave --repository-root out to use GitHub",
    )
