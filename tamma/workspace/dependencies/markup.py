"""XML without what makes reading it dangerous: no document type, so no entities of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

_DEEPEST = 100


@dataclass(slots=True)
class Element:
    """An element; its name without a namespace's prefix."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict[str, str])
    children: list[Element] = field(default_factory=list["Element"])
    text: str = ""

    def walk(self) -> Iterator[tuple[tuple[str, ...], Element]]:
        """Every element below, with the names of those above it."""
        waiting: list[tuple[tuple[str, ...], Element]] = [((self.name,), self)]
        while waiting:
            above, element = waiting.pop()
            waiting += [((*above, child.name), child) for child in reversed(element.children)]
            if element is not self:
                yield above[:-1], element

    def value(self, name: str) -> str:
        """The text of the first child of that name; empty where there is none."""
        return next((child.text.strip() for child in self.children if child.name == name), "")


def parse(text: str) -> Element:
    """The root element. Raises ValueError, also for a document with a type declaration."""
    top = Element("")
    stack = [top]

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(stack) > _DEEPEST:
            raise ValueError("it is nested too deeply")
        element = Element(name.rpartition(":")[2], attributes)
        stack[-1].children.append(element)
        stack.append(element)

    def end(_name: str) -> None:
        stack.pop()

    def characters(data: str) -> None:
        stack[-1].text += data

    def doctype(*_declared: object) -> None:
        raise ValueError("it declares a document type")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(text.removeprefix("\ufeff").encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        raise ValueError(str(error)) from error
    return top.children[0]
