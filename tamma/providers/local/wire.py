"""Small JSON calls to a model server beside its chat: its models, what they can do, how long a text is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from tamma.providers.chat.errors import to_error
from tamma.providers.common.calls import Call, Refusal, fetched

if TYPE_CHECKING:
    import httpx2


async def ask(
    client: httpx2.AsyncClient,
    url: str,
    headers: Mapping[str, str],
    call: Call,
    body: object = None,
    refusal: Refusal = to_error,
) -> Mapping[str, Any]:
    """The JSON object at `url`, empty where it is something else: a GET, or a POST where there is a `body`.

    Raises ProviderError. LM Studio answers 200 with an `error` for paths that it does not know.
    """
    request = client.build_request("GET" if body is None else "POST", url, json=body, headers=dict(headers))
    return as_object(await fetched(client, request, call, refusal))


def as_object(value: object) -> Mapping[str, Any]:
    """`value` where it is a JSON object, else an empty one."""
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def entries(body: object, name: str) -> list[Mapping[str, Any]]:
    """The objects in the list `name` of `body`; empty where there is no such list."""
    found = as_object(body).get(name)
    listed = cast("list[object]", found) if isinstance(found, list) else []
    return [cast("Mapping[str, Any]", entry) for entry in listed if isinstance(entry, dict)]
