"""How the lines look on which languages define names: by regular expressions, for want of a parser.

They are meant for finding one's way, not for judging: a definition that hides from them is missing from the
map, and one in a comment may be in it. Each looks at the beginning of a line, without a quantifier inside
another one, since files are other people's and could be written to make a search hang.
"""

from __future__ import annotations

import re

_FLAGS = re.MULTILINE | re.ASCII
_NAME = r"[A-Za-z_$][\w$]*"
_MODIFIERS = (
    r"public|protected|private|internal|static|final|abstract|override|async|virtual|sealed|partial|readonly|"
    r"open|data|inline|suspend|export|default|declare|pub|unsafe|const|extern|fileprivate|mutating|required|"
    r"synchronized|native|case|implicit|lazy|external|factory|late|operator"
)
_BEFORE = rf"^(?P<indent>[ \t]*)(?:(?:{_MODIFIERS})(?:\([\w ]*\))?[ \t]+)*"


def _compiled(*ends: str, before: str = _BEFORE) -> re.Pattern[str]:
    return re.compile(f"{before}(?:{'|'.join(ends)})", _FLAGS)


def _kinds(*words: str) -> str:
    return rf"(?:{'|'.join(words)})[ \t]+(?P<type>{_NAME})"


_INDENT = r"^(?P<indent>[ \t]*)"
_PYTHON = _compiled(
    rf"(?:async[ \t]+)?def[ \t]+(?P<name>{_NAME})", rf"class[ \t]+(?P<type>{_NAME})", before=_INDENT
)
_SCRIPT = _compiled(
    _kinds("class", "interface", "enum", "namespace", "module", r"type(?=[ \t]+\w+[ \t]*[=<])"),
    rf"function\*?[ \t]+(?P<name>{_NAME})",
    rf"(?:const|let|var)[ \t]+(?P<value>{_NAME})[^=\n]{{0,120}}=[ \t]*(?:async\b|function\b|\()",
    rf"(?!(?:if|for|while|switch|catch|return|function|super|await|new|throw|typeof|else)\b)"
    rf"(?:get |set |\*|#)?(?P<method>{_NAME})(?:<[^\n]{{0,40}}>)?\([^\n]{{0,200}}\)[^\n;=]{{0,80}}\{{[ \t]*$",
    before=rf"^(?P<indent>[ \t]*)(?:(?:{_MODIFIERS})[ \t]+){{0,4}}",
)
_GO = _compiled(
    rf"func[ \t]+(?:\([^)\n]{{0,80}}\)[ \t]*)?(?P<name>{_NAME})",
    rf"type[ \t]+(?P<type>{_NAME})",
    before=_INDENT,
)
_RUST = _compiled(
    _kinds("struct", "enum", "trait", "union", "type", "mod"),
    rf"fn[ \t]+(?P<name>{_NAME})",
    rf"macro_rules![ \t]+(?P<macro>{_NAME})",
    rf"impl\b[^\n{{]{{0,160}}?(?P<impl>{_NAME})[^\n{{\w]{{0,20}}\{{",
)
_BRACES = _compiled(
    _kinds(
        "class", "interface", "enum", "record", "struct", "trait", "protocol", "object", "extension", "mixin",
        "namespace", "actor", "module", "@interface",
    ),
    rf"(?:fun|func|def|function|sub|init)[ \t]+&?(?:[\w<>]+\.)?(?P<name>{_NAME})",
    rf"(?!(?:if|for|while|switch|catch|return|new|throw|else|await|case|using|lock|do|in)\b)"
    rf"[\w<>\[\],.?:]+[ \t]+(?P<method>{_NAME})\([^;\n]{{0,240}}$",
)  # fmt: skip
_RUBY = _compiled(
    rf"def[ \t]+(?:self\.)?(?P<name>{_NAME}[?!]?)", r"(?:class|module)[ \t]+(?P<type>[\w:]+)", before=_INDENT
)
_ELIXIR = _compiled(
    r"(?:def|defp|defmacro|defguard|defdelegate)[ \t]+(?P<name>[a-z_]\w*[?!]?)",
    r"(?:defmodule|defprotocol|defimpl)[ \t]+(?P<type>[\w.]+)",
    before=_INDENT,
)
_C = _compiled(
    rf"(?:typedef[ \t]+)?(?:class|struct|enum|union|namespace)[ \t]+(?:class[ \t]+)?(?P<type>{_NAME})"
    rf"[^;()\n]{{0,120}}$",
    rf"#[ \t]*define[ \t]+(?P<macro>{_NAME})\(",
    rf"(?!(?:if|for|while|switch|return|else|using|typedef|new|delete|case|goto|throw)\b)"
    rf"[A-Za-z_][\w:<>,*& \t]{{0,100}}?[ \t*&~](?P<name>{_NAME})[ \t]*\([^;\n]{{0,300}}$",
    before=_INDENT,
)
_SHELL = _compiled(
    rf"function[ \t]+(?P<name>{_NAME})", rf"(?P<method>{_NAME})[ \t]*\(\)[ \t]*\{{?", before=_INDENT
)
_LUA = _compiled(rf"(?:local[ \t]+)?function[ \t]+(?:\w+[.:])?(?P<name>{_NAME})", before=_INDENT)

_BY_ENDING: dict[str, re.Pattern[str]] = {
    **dict.fromkeys(("py", "pyi"), _PYTHON),
    **dict.fromkeys(("js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts", "vue", "svelte"), _SCRIPT),
    "go": _GO,
    "rs": _RUST,
    **dict.fromkeys(
        ("java", "kt", "kts", "cs", "swift", "scala", "dart", "php", "groovy", "gradle", "fs", "zig"), _BRACES
    ),
    "rb": _RUBY,
    **dict.fromkeys(("ex", "exs"), _ELIXIR),
    **dict.fromkeys(("c", "h", "cc", "cpp", "cxx", "hh", "hpp", "hxx", "m", "mm", "cu"), _C),
    **dict.fromkeys(("sh", "bash", "zsh"), _SHELL),
    "lua": _LUA,
}


def definitions_of(path: str) -> re.Pattern[str] | None:
    """What finds the definitions in a file of this name: its groups are `indent` and the names' kinds.

    None where the language is not known.
    """
    return _BY_ENDING.get(path.rpartition(".")[2].lower()) if "." in path else None
