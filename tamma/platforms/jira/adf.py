"""Markdown to the Atlassian Document Format of Jira Cloud, and back. Pure.

Source: developer.atlassian.com/cloud/jira/platform/apis/document/structure. People write more than we do:
what has no form in Markdown is read as the text in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from tamma.platforms.jira.markdown import Block, blocks, spans

Node = dict[str, Any]
_LISTS = {"bullets": "bulletList", "numbers": "orderedList"}
_INLINE = frozenset({"text", "hardBreak", "mention", "emoji", "inlineCard", "date", "status", "media"})


def to_adf(text: str) -> Node:
    """A document."""
    return {"type": "doc", "version": 1, "content": [_node(block) for block in blocks(text)]}


def from_adf(document: object) -> str:
    """A document as Markdown; empty for none."""
    return _blocks(cast("object", document)) if isinstance(document, dict) else ""


# --- writing ------------------------------------------------------------------------------------------


def _node(block: Block) -> Node:
    if block.kind == "rule":
        return {"type": "rule"}
    if block.kind == "code":
        text = "\n".join(block.lines)
        node: Node = {"type": "codeBlock", "content": [_text(text)] if text else []}
        return {**node, "attrs": {"language": block.mark}} if block.mark else node
    if block.kind in _LISTS:
        items = [{"type": "listItem", "content": [_paragraph(item.split("\n"))]} for item in block.lines]
        return {"type": _LISTS[block.kind], "content": items}
    if block.kind == "heading":
        return {**_paragraph(block.lines), "type": "heading", "attrs": {"level": int(block.mark)}}
    if block.kind == "quote":
        return {"type": "blockquote", "content": [_paragraph(block.lines)]}
    return _paragraph(block.lines)


def _paragraph(lines: tuple[str, ...] | list[str]) -> Node:
    content: list[Node] = []
    for number, line in enumerate(lines):
        if number:
            content.append({"type": "hardBreak"})
        content += [_text(span.text, span.style, span.href) for span in spans(line)]
    return {"type": "paragraph", "content": content}


def _text(text: str, style: str = "", href: str = "") -> Node:
    if not style:
        return {"type": "text", "text": text}
    mark: Node = {"type": "link", "attrs": {"href": href}} if style == "link" else {"type": style}
    return {"type": "text", "text": text, "marks": [mark]}


# --- reading ------------------------------------------------------------------------------------------


def _children(node: object) -> list[Node]:
    found: object = cast("Node", node).get("content") if isinstance(node, dict) else None
    items = cast("list[object]", found) if isinstance(found, list) else []
    return [cast("Node", item) for item in items if isinstance(item, dict)]


def _attribute(node: Node, name: str) -> str:
    attributes: object = node.get("attrs")
    value = cast("Node", attributes).get(name) if isinstance(attributes, dict) else None
    return "" if value is None else str(value)


def _blocks(node: object) -> str:
    return "\n\n".join(filter(None, map(_block, _children(node))))


def _block(node: Node) -> str:
    kind = node.get("type")
    match kind:
        case "rule":
            return "---"
        case "codeBlock":
            return f"```{_attribute(node, 'language')}\n{_inline(node)}\n```"
        case "heading":
            return f"{'#' * int(_attribute(node, 'level') or 1)} {_inline(node)}"
        case "bulletList" | "orderedList":
            return "\n".join(_items(node, numbered=kind == "orderedList"))
        case "blockquote":
            return "\n".join(f"> {line}" for line in _blocks(node).split("\n"))
        case "table":
            return "\n".join(" | ".join(map(_blocks, _children(row))) for row in _children(node))
        case _:
            inner = _children(node)
            return _inline(node) if inner and inner[0].get("type") in _INLINE else _blocks(node)


def _items(node: Node, *, numbered: bool) -> Iterator[str]:
    for number, item in enumerate(_children(node), 1):
        first, *rest = [line for line in _blocks(item).split("\n") if line.strip()] or [""]
        yield "\n".join([f"{number}. {first}" if numbered else f"- {first}", *(f"  {line}" for line in rest)])


def _inline(node: Node) -> str:
    return "".join(map(_leaf, _children(node)))


def _leaf(node: Node) -> str:
    match node.get("type"):
        case "text":
            return _styled(node)
        case "hardBreak":
            return "\n"
        case "inlineCard":
            return _attribute(node, "url")
        case "emoji":
            return _attribute(node, "text") or _attribute(node, "shortName")
        case "mention" | "status":
            return _attribute(node, "text")
        case _:
            return _inline(node)


def _styled(node: Node) -> str:
    text = str(node.get("text", ""))
    found: object = node.get("marks")
    for mark in cast("list[object]", found) if isinstance(found, list) else []:
        if not isinstance(mark, dict):
            continue
        named = cast("Node", mark)
        around = {"code": "`", "strong": "**", "em": "_"}.get(str(named.get("type")), "")
        href = _attribute(named, "href") if named.get("type") == "link" else ""
        text = f"[{text}]({href})" if href and href != text else f"{around}{text}{around}"
    return text
