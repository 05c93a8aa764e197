"""Python's tests, of pytest and unittest, by their syntax tree."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from tamma.workspace.weakening.forms import case_checks, checks_of_assert, checks_of_call, dotted
from tamma.workspace.weakening.reading import NOTHING, Check, Reading, Unit, numbered

_SKIPS = frozenset({"skip", "skipif", "skipIf", "skipUnless", "xfail", "expectedFailure"})
_SKIP_CALLS = frozenset({"pytest.skip", "pytest.xfail", "self.skipTest", "skipTest", "pytest.importorskip"})
_SWALLOWED = frozenset({"AssertionError", "Exception", "BaseException"})
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def read_python(text: str) -> Reading | None:
    """None where this Python cannot parse it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a stranger's invalid escape is no concern of ours
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return Reading(numbered(list(_units(tree.body, "", _skip_of_body(tree.body), in_class=False))))


def _units(body: Sequence[ast.stmt], prefix: str, skipped: str, *, in_class: bool) -> Iterator[Unit]:
    for node in body:
        if isinstance(node, _Function):
            yield _unit(node, prefix, skipped)
        elif isinstance(node, ast.ClassDef):
            inner = skipped or _skip_mark(node.decorator_list) or _skip_of_body(node.body)
            yield from _units(node.body, f"{prefix}{node.name}.", inner, in_class=True)
        elif isinstance(node, ast.If | ast.Try | ast.With):
            yield from _units(node.body, prefix, skipped, in_class=in_class)
            if isinstance(node, ast.If):
                yield from _units(node.orelse, prefix, skipped, in_class=in_class)


def _unit(node: _Function, prefix: str, skipped: str) -> Unit:
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    cases = [check for mark in node.decorator_list for check in case_checks(mark)]
    return Unit(
        name=f"{prefix}{node.name}",
        line=node.lineno,
        checks=(*cases, *_Walk().of(body)),
        skipped=skipped or _skip_mark(node.decorator_list) or _skip_call(body),
        test=node.name.startswith("test"),
        body="" if all(_is_empty(one) for one in body) else "\n".join(ast.dump(one) for one in body),
        values=tuple(
            repr(inner.value)
            for one in (*node.decorator_list, *body)
            for inner in ast.walk(one)
            if isinstance(inner, ast.Constant)
        ),
    )


def _is_empty(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


# --- what keeps tests from being run -------------------------------------------------------------


def _skip_mark(decorators: Iterable[ast.expr]) -> str:
    for decorator in decorators:
        name = dotted(decorator.func if isinstance(decorator, ast.Call) else decorator)
        if name.rpartition(".")[2] in _SKIPS:
            return f"@{name}"
    return ""


def _skip_of_body(body: Sequence[ast.stmt]) -> str:
    """Of a module or class: `pytestmark`, `__test__`, and a skip as it is imported."""
    for node in body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            name = dotted(node.targets[0])
            if name == "pytestmark":
                marks = node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else [node.value]
                if mark := _skip_mark(marks):
                    return f"pytestmark = {mark[1:]}"
            if name == "__test__" and isinstance(node.value, ast.Constant) and not node.value.value:
                return "__test__ = False"
    inner = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return _skip_call([node for node in body if not isinstance(node, inner)])


def _skip_call(body: Sequence[ast.stmt]) -> str:
    for node in (inner for one in body for inner in ast.walk(one)):
        if isinstance(node, ast.Call) and dotted(node.func) in _SKIP_CALLS:
            return f"{dotted(node.func)}()"
        if isinstance(node, ast.Raise) and node.exc is not None:
            name = dotted(node.exc.func if isinstance(node.exc, ast.Call) else node.exc)
            if name.rpartition(".")[2] in {"SkipTest", "Skipped"}:
                return f"raise {name}"
    return ""


# --- the assertions ------------------------------------------------------------------------------


class _Walk:
    """The checks that a body comes to. What is swallowed or never reached says nothing."""

    def of(self, body: Sequence[ast.stmt], *, swallowed: bool = False, loop: bool = False) -> Iterator[Check]:
        for node in body:
            for check in self._of_statement(node, swallowed=swallowed, loop=loop):
                strength = NOTHING if swallowed else check.strength
                yield replace(check, strength=strength, many=check.many or loop)
            if isinstance(node, ast.Return | ast.Continue | ast.Break):
                return

    def _of_statement(self, node: ast.stmt, *, swallowed: bool, loop: bool) -> Iterator[Check]:
        if isinstance(node, ast.Assert):
            yield from checks_of_assert(node.test)
        elif isinstance(node, ast.Try):
            lost = swallowed or any(_swallows(handler) for handler in node.handlers)
            yield from self.of(node.body, swallowed=lost, loop=loop)
            for part in (*(handler.body for handler in node.handlers), node.orelse, node.finalbody):
                yield from self.of(part, swallowed=swallowed, loop=loop)
        elif isinstance(node, ast.With | ast.AsyncWith):
            calls = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
            for call in calls:
                yield from checks_of_call(call)
            lost = swallowed or any(_suppresses(call) for call in calls)
            yield from self.of(node.body, swallowed=lost, loop=loop)
        elif isinstance(node, ast.If):
            if not (isinstance(node.test, ast.Constant) and not node.test.value):
                yield from self.of(node.body, swallowed=swallowed, loop=loop)
            yield from self.of(node.orelse, swallowed=swallowed, loop=loop)
        elif isinstance(node, ast.For | ast.AsyncFor | ast.While):
            yield from self.of(node.body, swallowed=swallowed, loop=True)
            yield from self.of(node.orelse, swallowed=swallowed, loop=loop)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from self.of(node.body, swallowed=swallowed, loop=loop)
        elif isinstance(node, ast.Match):
            for case in node.cases:
                yield from self.of(case.body, swallowed=swallowed, loop=loop)
        else:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Call):
                    yield from checks_of_call(inner)


def _swallows(handler: ast.ExceptHandler) -> bool:
    """Whether a failed assertion ends here without a word."""
    caught = handler.type
    names = [caught] if not isinstance(caught, ast.Tuple) else caught.elts
    if caught is not None and not any(
        dotted(name).rpartition(".")[2] in _SWALLOWED for name in names if name
    ):
        return False
    inner = [node for one in handler.body for node in ast.walk(one)]
    said = any(isinstance(node, ast.Raise | ast.Assert) for node in inner)
    called = (node for node in inner if isinstance(node, ast.Call))
    return not said and not any(dotted(call.func).rpartition(".")[2] in {"fail", "exit"} for call in called)


def _suppresses(call: ast.Call) -> bool:
    if dotted(call.func).rpartition(".")[2] != "suppress":
        return False
    return any(dotted(each).rpartition(".")[2] in _SWALLOWED for each in call.args)
