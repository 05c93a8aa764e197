"""The native form: a YAML or JSON file in camelCase, with longer texts in files beside it.

See docs/suites.md for the whole form. Paths are relative to the file and stay in its folder; nothing that the
file names is run when it is read.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from tamma.errors import ConfigError
from tamma.model.agent import TaskType, WorkContext
from tamma.model.suite import GraderWeights, HiddenTests, Rehearsal, Suite, SuiteTask, TaskLimits
from tamma.suites.content import make_suite
from tamma.suites.forms.lines import Marked, parse, read_text
from tamma.suites.forms.problems import explain

Share = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, Field(strict=True)]
MOST_FILES = 500


class Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)


class LimitsForm(Form):
    budget_usd: Annotated[Decimal, Field(gt=0, le=10_000)] = Decimal("3.00")
    max_turns: Annotated[int, Field(ge=1, le=100_000)] = 100
    minutes: Annotated[float, Field(gt=0, le=7 * 24 * 60)] = 60.0


class HiddenForm(Form):
    patch: Text = ""
    patch_file: Text = ""
    files: dict[str, Text] = {}
    folder: Text = ""
    """A folder beside the suite whose files are laid over the work at the same paths."""
    command: Text = ""
    fail_to_pass: tuple[Text, ...] = ()
    pass_to_pass: tuple[Text, ...] = ()


class RehearsalForm(Form):
    difficulty: Annotated[float, Field(ge=-20, le=20)] = 0.0


class TaskForm(Form):
    id: Text
    repository: Text = ""
    base_commit: Text = ""
    title: Text = ""
    issue: Text = ""
    issue_file: Text = ""
    context: WorkContext | None = None
    task_type: TaskType | None = None
    hidden_tests: HiddenForm = HiddenForm()
    gold_patch: Text = ""
    gold_patch_file: Text = ""
    review_patch: Text = ""
    review_patch_file: Text = ""
    review_approve: bool | None = None
    test_command: Text = ""
    setup_command: Text = ""
    limits: LimitsForm | None = None
    rehearsal: RehearsalForm | None = None


class DefaultsForm(Form):
    """What holds for every task that does not say otherwise."""

    repository: Text = ""
    base_commit: Text = ""
    context: WorkContext = WorkContext.DEVELOPMENT
    task_type: TaskType | None = None
    test_command: Text = ""
    setup_command: Text = ""
    limits: LimitsForm = LimitsForm()


class GradersForm(Form):
    hidden_tests: Share = 0.7
    lint: Share = 0.1
    diff_size: Share = 0.2
    judge: Share = 0.0
    judge_provider: Text = ""
    judge_model: Text | None = None
    judge_times: Annotated[int, Field(ge=2, le=20)] = 3
    expected_lines: Annotated[int, Field(ge=1, le=100_000)] = 60


class SuiteForm(Form):
    suite: Text
    description: Text = ""
    defaults: DefaultsForm = DefaultsForm()
    graders: GradersForm = GradersForm()
    tasks: tuple[TaskForm, ...]


_TASK_TYPE = {WorkContext.REVIEW: TaskType.CODE_REVIEW, WorkContext.TESTING: TaskType.TESTING}


def read_native(path: Path, *, name: str = "") -> Suite:
    """The suite of a native file. `name` goes before the file's own. Raises ConfigError with lines."""
    marked = parse(read_text(path), path.name, is_json=path.suffix == ".json")
    try:
        form = SuiteForm.model_validate(marked.value)
    except ValidationError as error:
        raise explain(error, SuiteForm, path.name, marked.line_of) from error
    beside = _Beside(path, marked)
    tasks = [_task(task, form.defaults, beside, number) for number, task in enumerate(form.tasks)]
    graders = GraderWeights(**form.graders.model_dump())
    if graders.judge > 0 and not graders.judge_provider:
        line = marked.line_of(("graders", "judge"))
        raise ConfigError(
            f"{path.name}: line {line}: a judge needs a provider entry",
            hint="set graders.judgeProvider, or leave graders.judge at 0",
        )
    return make_suite(name or form.suite, tasks, description=form.description, graders=graders)


def _task(form: TaskForm, defaults: DefaultsForm, beside: _Beside, number: int) -> SuiteTask:
    at: tuple[int | str, ...] = ("tasks", number)
    context = form.context or defaults.context
    hidden = form.hidden_tests
    files = {**beside.folder(hidden.folder, (*at, "hiddenTests", "folder")), **hidden.files}
    limits = form.limits or defaults.limits
    repository = beside.repository(form.repository or defaults.repository)
    return SuiteTask(
        id=form.id,
        repository=repository,
        base_commit=(form.base_commit or defaults.base_commit) if repository else form.base_commit,
        title=form.title,
        issue=beside.text(form.issue, form.issue_file, (*at, "issueFile")),
        context=context,
        task_type=form.task_type or defaults.task_type or _TASK_TYPE.get(context, TaskType.CODE_GENERATION),
        hidden_tests=HiddenTests(
            patch=beside.text(hidden.patch, hidden.patch_file, (*at, "hiddenTests", "patchFile")),
            files=files,
            command=hidden.command,
            fail_to_pass=hidden.fail_to_pass,
            pass_to_pass=hidden.pass_to_pass,
        ),
        gold_patch=beside.text(form.gold_patch, form.gold_patch_file, (*at, "goldPatchFile")),
        review_patch=beside.text(form.review_patch, form.review_patch_file, (*at, "reviewPatchFile")),
        review_approve=form.review_approve,
        test_command=form.test_command or defaults.test_command,
        setup_command=form.setup_command or defaults.setup_command,
        limits=TaskLimits(limits.budget_usd.normalize() + 0, limits.max_turns, limits.minutes),
        rehearsal=Rehearsal(form.rehearsal.difficulty) if form.rehearsal else None,
    )


class _Beside:
    """The files beside a suite. Whatever is named must stay in its folder."""

    def __init__(self, file: Path, marked: Marked) -> None:
        self._name = file.name
        self._folder = file.resolve().parent
        self._marked = marked

    def text(self, given: str, file: str, loc: tuple[int | str, ...]) -> str:
        """The text itself, or the file's. Raises ConfigError where both are given."""
        if not file:
            return given
        if given:
            raise self._wrong(loc, "a text and a file for it are both given", "leave one out")
        return read_text(self._inside(file, loc))

    def folder(self, name: str, loc: tuple[int | str, ...]) -> dict[str, str]:
        """The files below a folder, by their path in it."""
        if not name:
            return {}
        root = self._inside(name, loc)
        if not root.is_dir():
            raise self._wrong(loc, f"{name!r} is no folder", "name a folder beside the suite")
        files = sorted(path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        if len(files) > MOST_FILES:
            raise self._wrong(loc, f"{name!r} holds {len(files)} files", f"{MOST_FILES} at most")
        found: dict[str, str] = {}
        for path in files:
            relative = path.relative_to(root).as_posix()
            found[relative] = read_text(self._inside(str(path.relative_to(self._folder)), loc))
        return found

    def repository(self, address: str) -> str:
        """An address as it is; a relative path (`./calc`) as an absolute one."""
        if address.startswith(("./", "../")) or address == ".":
            return str((self._folder / address).resolve())
        return address

    def _inside(self, name: str, loc: tuple[int | str, ...]) -> Path:
        try:
            path = (self._folder / name).resolve()
            there = path.exists()
        except (OSError, ValueError, RuntimeError) as error:
            raise self._wrong(
                loc, f"{name[:100]!r} is no path: {error}"[:300], "name a file beside it"
            ) from error
        if not path.is_relative_to(self._folder):
            raise self._wrong(
                loc, f"{name!r} leads out of the suite's folder", "put the file beside the suite"
            )
        if not there:
            raise self._wrong(loc, f"there is no file {name!r}", f"it is looked for in {str(self._folder)!r}")
        return path

    def _wrong(self, loc: tuple[int | str, ...], what: str, hint: str) -> ConfigError:
        line = self._marked.line_of(loc)
        return ConfigError(f"{self._name}: line {line}: {what}", hint=hint)
