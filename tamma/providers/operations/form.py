"""The form of an answer: its JSON Schema, and the reading of what the model wrote. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from tamma.model.foreign import mended
from tamma.model.loose_json import find_objects

if TYPE_CHECKING:
    from pydantic import TypeAdapter

AnswerT = TypeVar("AnswerT")
MOST_PROBLEMS = 10
NO_OBJECT = "the answer holds no JSON object"


class Unreadable(Exception):
    """An answer is not of the asked-for form; `problems` says why, for the model to read."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems[:MOST_PROBLEMS])


def schema_of(kind: type[object]) -> dict[str, object]:
    """The JSON Schema of a dataclass in the strict form that every service takes.

    All properties are required, others are not allowed, and nothing is referred to by `$ref`.
    """
    raw = _adapter(kind).json_schema()
    return cast("dict[str, object]", _strict(raw, raw.get("$defs", {})))


def read_answer(
    kind: type[AnswerT], text: str, problems: Callable[[AnswerT], Sequence[str]] = lambda _: ()
) -> AnswerT:
    """The first JSON object in `text` that is a `kind` and without `problems`. Raises Unreadable."""
    from pydantic import ValidationError

    first: list[str] = []
    for found in find_objects(text):
        try:
            answer = _adapter(kind).validate_python(mended(found))
        except ValidationError as error:
            wrong = [
                f"{'.'.join(map(str, each['loc']))}: {each['msg']}"
                for each in error.errors(include_url=False, include_input=False)
            ]
        else:
            wrong = list(problems(answer))
            if not wrong:
                return answer
        first = first or wrong
    raise Unreadable(first or [NO_OBJECT])


@cache
def _adapter(kind: type[object]) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def _strict(node: Any, known: Mapping[str, Any]) -> Any:
    if isinstance(node, list):
        return [_strict(each, known) for each in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    schema = cast("dict[str, Any]", node)
    if "$ref" in schema:
        return _strict(known[schema["$ref"].rpartition("/")[2]], known)
    # A title says what the name of the property says already. Below `properties`, names are not keywords.
    strict = {
        key: {name: _strict(each, known) for name, each in value.items()}
        if key == "properties"
        else _strict(value, known)
        for key, value in schema.items()
        if key not in ("$defs", "title")
    }
    if strict.get("type") == "object":
        strict["required"] = list(strict.get("properties", {}))
        strict["additionalProperties"] = False
    return strict
