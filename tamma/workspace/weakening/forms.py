"""What an assertion in Python says, in a form that is the same for the same, and how much that is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from tamma.workspace.weakening.reading import EXACT, NOTHING, PARTIAL, VAGUE, Check

_HELPER = re.compile(r"_?(?:assert|check|verify|expect|should|ensure|validate|compare)(?:[_A-Z]|$)")
_CLOSE = frozenset({"isclose", "allclose", "approx", "assertAlmostEqual", "assert_allclose"})
_TOLERANCES = frozenset({"abs", "rel", "places", "delta", "rel_tol", "abs_tol", "rtol", "atol"})
_EQUAL = re.compile(r"assert(?:Equals?|Is|(?:List|Dict|Set|Tuple|Sequence|MultiLine)Equal)")
_PART = re.compile(
    r"assert(?:Not\w+|In|IsInstance|IsNot|Greater\w*|Less\w*|Regex|HasAttr)|assert_called_once"
)
_RAISES = re.compile(r"raises|warns|assert(?:Raises|Warns)(?:Regex)?")


def dotted(node: ast.expr) -> str:
    """`pytest.mark.skip` of such a name; the end of it where it begins with something else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else node.attr
    return ""


def checks_of_assert(test: ast.expr) -> Iterator[Check]:
    """Of `assert test`: a conjunction is several."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        for value in test.values:
            yield from checks_of_assert(value)
        return
    yield _check(test)


def _check(test: ast.expr) -> Check:
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        return _comparison(test.left, test.ops[0], test.comparators[0], test.lineno)
    strength = _strength(test)
    return Check(ast.dump(test), strength, test.lineno, many=isinstance(test, ast.Call) and strength == EXACT)


def _strength(test: ast.expr) -> int:
    if isinstance(test, ast.Constant | ast.Lambda | ast.JoinedStr) or _is_filled(test):
        return NOTHING
    if isinstance(test, ast.Compare):
        return min(
            _comparison(test.left, op, right, test.lineno).strength
            for op, right in zip(test.ops, test.comparators, strict=True)
        )
    if isinstance(test, ast.BoolOp):
        return min(PARTIAL, *(_strength(value) for value in test.values))
    if isinstance(test, ast.UnaryOp):
        return NOTHING if isinstance(test.operand, ast.Constant) else PARTIAL
    if isinstance(test, ast.Call):
        name = dotted(test.func).rpartition(".")[2]
        if name in _CLOSE:
            return PARTIAL if _is_tolerant(test) else EXACT
        return EXACT if _HELPER.match(name) else PARTIAL
    return VAGUE


def _is_filled(test: ast.expr) -> bool:
    """`assert (x == 1, "message")` is always true."""
    return isinstance(test, ast.Tuple | ast.List | ast.Set) and bool(test.elts)


def _comparison(left: ast.expr, op: ast.cmpop, right: ast.expr, line: int) -> Check:
    sides = sorted((ast.dump(left), ast.dump(right)))
    many = _is_whole(left) or _is_whole(right)
    if isinstance(op, ast.Eq | ast.Is):
        # `x is None` and `x == None` ask for the same.
        if sides[0] == sides[1] or (isinstance(left, ast.Constant) and isinstance(right, ast.Constant)):
            return Check(f"== {sides}", NOTHING, line)
        tolerant = any(isinstance(side, ast.Call) and _is_tolerant(side) for side in (left, right))
        return Check(f"== {sides}", PARTIAL if tolerant else EXACT, line, many)
    of_none = isinstance(op, ast.IsNot | ast.NotEq) and any(
        isinstance(side, ast.Constant) and side.value is None for side in (left, right)
    )
    both = f"{type(op).__name__} {ast.dump(left)} {ast.dump(right)}"
    return Check(both, VAGUE if of_none else PARTIAL, line)


def _is_whole(side: ast.expr) -> bool:
    """A literal or an object of several parts."""
    if isinstance(side, ast.Call):
        return len([*side.args, *side.keywords]) > 1 and dotted(side.func).rpartition(".")[2][:1].isupper()
    return isinstance(side, ast.List | ast.Tuple | ast.Dict | ast.Set)


def _is_tolerant(call: ast.Call) -> bool:
    """Whether it says itself how far values may be apart."""
    name = dotted(call.func).rpartition(".")[2]
    return name in _CLOSE and (
        any(word.arg in _TOLERANCES for word in call.keywords)
        or len(call.args) > (1 if name == "approx" else 2)
    )


def checks_of_call(call: ast.Call) -> Iterator[Check]:
    """Of `self.assertEqual(...)`, `pytest.raises(...)`, and of helpers that are called like that."""
    name, args, line = dotted(call.func).rpartition(".")[2], call.args, call.lineno
    if _RAISES.fullmatch(name) and args:
        yield _raises(call, name)
    elif name in ("assertTrue", "assertFalse", "assert_") and args:
        if name == "assertFalse":
            yield Check(
                ast.dump(ast.UnaryOp(ast.Not(), args[0])), _strength(ast.UnaryOp(ast.Not(), args[0])), line
            )
        else:
            yield from checks_of_assert(args[0])
    elif name == "assertIsNone" and args:
        yield _comparison(args[0], ast.Is(), ast.Constant(None), line)
    elif name in ("assertIsNotNone", "assert_called") and (args or name == "assert_called"):
        yield Check(f"{name} {_dumps(args)}", VAGUE, line)
    elif name == "assertAlmostEqual" and len(args) > 1:
        yield Check(f"~= {_dumps(args)}", PARTIAL if _is_tolerant(call) else EXACT, line)
    elif _EQUAL.fullmatch(name) and len(args) > 1:
        yield _comparison(args[0], ast.Eq(), args[1], line)
    elif _HELPER.match(name):
        strength = PARTIAL if _PART.fullmatch(name) else EXACT
        yield Check(f"{ast.dump(call.func)} {_dumps(args)}", strength, line, many=strength == EXACT)


def _raises(call: ast.Call, name: str) -> Check:
    match = next((word.value for word in call.keywords if word.arg == "match"), None)
    if name.endswith("Regex") and len(call.args) > 1:
        match = call.args[1]
    expected = dotted(call.args[0]).rpartition(".")[2]
    strength = VAGUE if expected in ("Exception", "BaseException", "Warning") else PARTIAL
    if match is not None:
        strength += 1
    said = ast.dump(match) if match is not None else ""
    return Check(f"raises {ast.dump(call.args[0])} {said}", strength, call.lineno)


def _dumps(nodes: Sequence[ast.expr]) -> str:
    return " ".join(ast.dump(node) for node in nodes)


def case_checks(decorator: ast.expr) -> Iterator[Check]:
    """The cases of `pytest.mark.parametrize(names, [case, ...])`; a case that is skipped says nothing."""
    if not isinstance(decorator, ast.Call) or not dotted(decorator.func).endswith("parametrize"):
        return
    tables = [each for each in decorator.args[1:2] if isinstance(each, ast.List | ast.Tuple | ast.Set)]
    tables += [
        word.value
        for word in decorator.keywords
        if word.arg == "argvalues" and isinstance(word.value, ast.List | ast.Tuple)
    ]
    for case in (case for table in tables for case in table.elts):
        skipped = isinstance(case, ast.Call) and any(
            word.arg == "marks" and re.search(r"'(?:skip|skipif|xfail)'", ast.dump(word.value))
            for word in case.keywords
        )
        values = case
        if isinstance(case, ast.Call) and dotted(case.func).endswith("param"):
            values = case.args[0] if len(case.args) == 1 else ast.Tuple(case.args, ast.Load())
        yield Check(f"case {ast.dump(values)}", NOTHING if skipped else EXACT, case.lineno)
