"""The methods of a platform as messages, made from the protocol: no method is written down a second time.

For `get_issue(repo, number) -> Issue` there are two classes, `call_get_issue(with_token, repo, number)` and
`result_get_issue(value)`, which pydantic reads and writes by the protocol's annotations. They are made when
first needed: all of them take a good part of the time in which a process starts.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, make_dataclass
from functools import cache
from typing import Any, cast, get_type_hints

from pydantic import ConfigDict

from tamma.platforms.interface import Platform

_BY_THE_PROCESS = frozenset({"start", "close"})
"""Said by opening the adapter and by ending the process."""
_CONFIG = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")


@dataclass(frozen=True, slots=True)
class Method:
    """One method of `Platform`."""

    name: str
    parameters: tuple[inspect.Parameter, ...]
    waits: bool
    """Whether it is a coroutine."""
    call: type
    result: type[object]

    def asked(self, token: str | None, args: tuple[object, ...], kwargs: Mapping[str, object]) -> object:
        """The message for a call with these arguments. Raises TypeError for what the method does not take."""
        given = inspect.Signature(self.parameters).bind(*args, **kwargs)
        given.apply_defaults()
        return self.call(token, **given.arguments)

    def answered(self, value: object) -> object:
        """The `result` that brings `value`."""
        return cast("Callable[[object], object]", self.result)(value)

    @staticmethod
    def value_of(answer: Any) -> Any:
        """What the message `answer`, a `result`, brings."""
        return answer.value

    def carried_out(self, message: object, adapter: object) -> Any:
        """What the adapter's method returns. Raises AttributeError where it has none of that name.

        What is as the protocol's default says is left out: an adapter need not know a parameter that came
        later.
        """
        required: list[object] = []
        chosen: dict[str, object] = {}
        for parameter in self.parameters:
            value = getattr(message, parameter.name)
            if parameter.default is inspect.Parameter.empty:
                required.append(value)
            elif value != parameter.default:
                chosen[parameter.name] = value
        return getattr(adapter, self.name)(*required, **chosen)


@cache
def functions() -> Mapping[str, Callable[..., Any]]:
    """What the protocol says of each method that is called by message, by name."""
    found: dict[str, Callable[..., Any]] = {}
    for protocol in inspect.getmro(Platform):
        members: Mapping[str, object] = vars(protocol)
        for name, function in members.items():
            if inspect.isfunction(function) and not name.startswith("_") and name not in _BY_THE_PROCESS:
                found.setdefault(name, function)
    return found


def named_by(message: str) -> str | None:
    """The method whose call or result the message of this name is, if it is one."""
    kind, _, name = message.partition("_")
    return name if kind in ("call", "result") and name in functions() else None


@cache
def method(name: str) -> Method:
    """The method of that name. Raises KeyError."""
    function = functions()[name]
    hints = get_type_hints(function)
    parameters = tuple(inspect.signature(function).parameters.values())[1:]
    fields = [("with_token", str | None), *((each.name, hints[each.name]) for each in parameters)]
    return Method(
        name,
        parameters,
        inspect.iscoroutinefunction(function),
        _message(f"call_{name}", fields),
        _message(f"result_{name}", [("value", hints["return"])]),
    )


def _message(name: str, fields: list[tuple[str, Any]]) -> type:
    namespace = {"__pydantic_config__": _CONFIG}
    return make_dataclass(name, fields, frozen=True, slots=True, namespace=namespace)
