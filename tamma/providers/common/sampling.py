"""How freely a model is to choose its words, under the names of a service."""

from __future__ import annotations

from collections.abc import Mapping

from tamma.model.conversation import Request

OPENAI: Mapping[str, str] = {
    name: name for name in ("temperature", "top_p", "frequency_penalty", "presence_penalty")
}
"""What the Chat Completions API and those that follow it call them."""


def asked(request: Request) -> dict[str, float]:
    """The sampling parameters that a request sets."""
    values = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "frequency_penalty": request.frequency_penalty,
        "presence_penalty": request.presence_penalty,
    }
    return {name: value for name, value in values.items() if value is not None}


def sampling(
    request: Request, names: Mapping[str, str], *, taken: bool, dropped: list[str]
) -> dict[str, float]:
    """The request's sampling parameters by the service's own `names`.

    What it has no name for, and all where the model does not take them (`taken`), is added to `dropped`.
    """
    given = asked(request)
    dropped += [name for name in given if not taken or name not in names]
    return {names[name]: value for name, value in given.items() if taken and name in names}
