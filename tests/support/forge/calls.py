"""What a route is given and what it may answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

from tests.support.forge.description import Description, Query
from tests.support.forge.operations import Operation
from tests.support.forge.world import World

T = TypeVar("T")


@dataclass
class Part:
    """One part of a multipart body."""

    name: str
    content: bytes
    filename: str | None = None

    @property
    def text(self) -> str:
        return self.content.decode()


@dataclass
class Request:
    """What arrived. `body`: the parsed JSON of a JSON body; `parts`: of a form, multipart or not."""

    method: str
    path: str
    """Still escaped."""
    query: Query
    headers: Mapping[str, str]
    """Names in lower case."""
    media: str = ""
    raw: bytes = b""
    body: Any = None
    parts: list[Part] = field(default_factory=list[Part])


@dataclass
class Reply:
    """JSON, or text or bytes with a `media` type; None: no body."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    media: str = ""


class ApiError(Exception):
    """What a route refuses, as the platform says it. `details` is what the face makes of it."""

    def __init__(self, status: int, message: str, details: Any = None, **headers: str) -> None:
        super().__init__(message)
        self.status, self.message, self.details = status, message, details
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass
class Call:
    """One request on its way through a route."""

    world: World
    api: Description
    """Of the operation: `call.api.fill(schema, values)` makes a valid answer."""
    operation: Operation
    at: dict[str, str]
    """The path's parameters."""
    request: Request
    login: str = ""
    """Who calls; empty: nobody."""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    """Of the answer."""

    @property
    def body(self) -> Any:
        """The JSON; an empty object where there was none."""
        return {} if self.request.body is None else self.request.body

    @property
    def query(self) -> dict[str, str]:
        """The last of each name."""
        return dict(self.request.query)

    def many(self, name: str) -> list[str]:
        """Every value that the query has under `name`."""
        return [value for key, value in self.request.query if key == name]

    @property
    def url(self) -> str:
        """The address that was called, without its query."""
        return f"{self.world.url}{self.request.path}"

    def with_query(self, **changes: object) -> str:
        """The address that was called, with some of its query changed: of another page."""
        query = {**self.query, **{name: str(value) for name, value in changes.items()}}
        return f"{self.url}?{urlencode(query)}"

    def number(self, name: str) -> int:
        """A parameter of the path as a number. 404 where it is none."""
        text = self.at[name]
        if not (text.isascii() and text.isdigit()):
            raise ApiError(404, "Not Found")
        return int(text)


@dataclass(frozen=True)
class Slice:
    """One page of a list, and which one it is."""

    items: Sequence[Any]
    page: int
    size: int
    total: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.size))

    @property
    def more(self) -> bool:
        return self.page < self.pages


def paged(
    call: Call, items: Sequence[Any], *, page: str = "page", size: str = "per_page", default: int, most: int
) -> Slice:
    """By the query's parameters of these names; pages count from 1, and no page has more than `most`."""
    wanted = max(1, min(int(call.query.get(size, default)), most))
    number = max(1, int(call.query.get(page, 1)))
    return Slice(items[(number - 1) * wanted : number * wanted], number, wanted, len(items))


Handler = Callable[[Call], "Reply | tuple[int, Any]"]


class Routes(dict[str, Handler]):
    """Operations ("GET /repos/{owner}/{repo}", as in the description) to what answers them."""

    def __init__(self) -> None:
        super().__init__()
        self.undescribed: dict[str, str] = {}
        """Operations that the description leaves out, and why they are there."""

    def __call__(self, *names: str, undescribed: str = "") -> Callable[[Handler], Handler]:
        """Register the function that follows. `undescribed`: why no description has it."""

        def register(handler: Handler) -> Handler:
            for name in names:
                if name in self:
                    raise ValueError(f"{name!r} has a route already")
                self[name] = handler
                if undescribed:
                    self.undescribed[name] = undescribed
            return handler

        return register
