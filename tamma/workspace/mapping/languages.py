"""How the lines look on which languages define names: by regular expressions, not by a parser.

They are meant for finding one's way, not for judging: a definition that hides from them is missing from
the map. Decision record 28 says how many do, and why there is no parser. Each looks at the beginning of a
line, and every quantifier has a bound or can match in one way alone, since files are other people's and could
be written to make a search hang.
"""

from __future__ import annotations

import re

_FLAGS = re.MULTILINE | re.ASCII
_NAME = r"[A-Za-z_$][\w$]*"
_PLAIN = r"[A-Za-z_]\w*"
_INDENT = r"^(?P<indent>[ \t]*+)"
_MODIFIERS = (
    r"public|protected|private|internal|static|final|abstract|override|async|virtual|sealed|partial|readonly|"
    r"open|data|inline|suspend|export|default|declare|pub|unsafe|const|extern(?:[ \t]+\"[\w-]{1,16}\")?|"
    r"fileprivate|mutating|required|synchronized|native|case|implicit|lazy|external|factory|late|operator|infix|"
    r"tailrec|actual|expect|convenience|nonisolated|indirect|new(?=[ \t]+[\w.<>?\[\]]{1,80}[ \t]+\w)|@[\w.:]+"
)
_BALANCED = r"\((?:[^()\n]|\([^()\n]{0,80}\)){0,200}\)"
"""Brackets on one line, with others in them but not in those."""
_GENERIC = r"(?:<[^\n()=;]{0,160}>)?"


def _modified(most: int) -> str:
    """At most so many modifiers and annotations, these with what is in their brackets."""
    return rf"(?:(?:{_MODIFIERS})(?:\([^()\n]{{0,80}}\))?[ \t]+){{0,{most}}}"


def _compiled(*ends: str, before: str = "") -> re.Pattern[str]:
    return re.compile(f"{_INDENT}{before}(?:{'|'.join(ends)})", _FLAGS)


def _kinds(*words: str) -> str:
    return rf"(?:{'|'.join(words)})[ \t]+(?P<type>{_NAME})"


_PYTHON = _compiled(rf"(?:async[ \t]+)?def[ \t]+(?P<name>{_NAME})", rf"class[ \t]+(?P<type>{_NAME})")

_FUNCTION = (
    r"(?:async\b[ \t]*)?(?:function\b|class\b|[\w$]+[ \t]*=>|<[^\n]{0,120}|\((?=[^\n]{0,200}=>|[^\n)]*$))"
)
"""What makes a value a function: the arrow on its line, or brackets that stay open at its end."""
_NO_METHOD = r"(?!(?:if|for|while|switch|catch|return|function|super|await|new|throw|typeof|else|case|do)\b)"
_SCRIPT = _compiled(
    _kinds("class", "interface", "enum", "namespace", "module", r"type(?=[ \t]+\w+[ \t]*[=<])"),
    rf"function\b[ \t]*\*?[ \t]*(?P<name>{_NAME})",
    rf"(?:const|let|var)[ \t]+(?P<value>{_NAME})[ \t]*(?::[^\n]{{1,120}}[ \t])?=[ \t]*{_FUNCTION}",
    rf"(?:[\w$.]{{1,80}}\.)?(?P<member>{_NAME})[ \t]*(?:=|:(?=[ \t]*(?:async[ \t]+)?function\b))"
    rf"[ \t]*{_FUNCTION}",
    r"(?P<made>constructor)[ \t]*\(",
    rf"{_NO_METHOD}(?:get |set |\*(?=\w)|#)?(?P<method>{_NAME})\??(?:<[^\n]{{0,120}}>)?[ \t]?(?:"
    # With a body: a call with a function or a text in it looks the same, but for these.
    rf"(?!\(['\"`]|[^\n]{{0,200}}\bfunction\b){_BALANCED}(?:[ \t]*:[^\n;]{{1,120}})?"
    r"[ \t]*\{(?:[^{}\n]{0,200}\},?)?[ \t]*$|"
    # Without, but with the type that it returns.
    rf"{_BALANCED}[ \t]*:[ \t]*[^\n={{?]{{1,120}}$|"
    # Over several lines, the first of which has the type of an argument.
    r"\(\n[ \t]+(?:(?:public|private|protected|readonly)[ \t]+){0,2}\w+\??:[ \t]|"
    r"\(\w+\??:[ \t][^\n]{0,200}[{,(]$)",
    before=_modified(4),
)
_GO = _compiled(rf"func[ \t]+(?:\([^)\n]{{0,80}}\)[ \t]*)?(?P<name>{_NAME})", rf"type[ \t]+(?P<type>{_NAME})")
_PATH = r"(?:[\w:]{1,80}::)?"
_RUST = _compiled(
    rf"(?:struct|enum|trait|union|type|mod)[ \t]+(?P<type>{_PLAIN})",
    rf"fn[ \t]+(?P<name>{_PLAIN})",
    rf"macro_rules![ \t]+(?P<macro>{_PLAIN})",
    rf"impl\b[^\n{{]{{0,160}}?[ \t]for[ \t]+&?(?:'\w+[ \t]+)?(?:(?:mut|dyn)[ \t]+)?{_PATH}(?P<impl>{_PLAIN})"
    r"[^\n]{0,160}\{",
    rf"impl(?:<[^\n{{]{{0,120}}?>)?[ \t]+{_PATH}(?P<own>{_PLAIN})(?![^\n]{{0,160}}[ \t]for[ \t])"
    r"[^\n]{0,160}\{",
    before=_modified(8),
)
_SPACE = r"(?:namespace|module)[ \t]+(?:[\w.\\]{1,160}[.\\])?(?P<space>\w+)"
_NO_TYPE = (
    r"(?!(?:if|for|while|switch|catch|return|new|throw|else|await|case|using|lock|do|in|yield|assert|goto|where|"
    r"select|orderby|join|is|as|not|and|or|when)\b)"
)
_TYPED = _compiled(
    _kinds(
        "record class", "record struct", "class", "interface", "enum", "record", "struct", "@interface",
        "mixin", "extension", "trait",
    ),
    _SPACE,
    rf"delegate[ \t]+[\w.]+{_GENERIC}[ \t]+(?P<delegate>{_NAME})",
    rf"def[ \t]+(?P<name>{_NAME})[ \t]*\(",
    rf"{_NO_TYPE}(?:<[^\n()=;]{{1,160}}>[ \t]+)?[\w.]+{_GENERIC}(?:\[[\],]*\])?[?]?(?:\[\])?[ \t]+"
    rf"(?:[\w.]+\.)?(?!(?:if|switch|while|new|is|and|or|not|async)\b)(?P<method>{_NAME}){_GENERIC}[ \t]?\(",
    r"(?P<made>[A-Z]\w*)\([^()\n;=]{0,200}\)(?:[^()\n;=]{0,120}\{[ \t]*$|[ \t]*\n[ \t]*\{)",
    before=rf"(?:\[[^\]\n]{{1,80}}\][ \t]*){{0,2}}{_modified(8)}",
)  # fmt: skip
"""Languages in which a method begins with the type that it returns."""
_WORDED = _compiled(
    _kinds(
        "enum class", "annotation class", "sealed class", "value class", "inner class", "fun interface",
        "case class", "case object", "companion object", "package object", "typealias", "class", "interface",
        "enum", "struct", "trait", "protocol", "object", "extension", "actor", "record", "type",
    ),
    _SPACE,
    rf"(?:fun|func|def|function|sub|fn)[ \t]+&?(?:<[^\n(]{{1,240}}>[ \t]*)?(?:[\w.<>?,* ]{{1,100}}\.)?"
    rf"(?:(?P<name>{_NAME})|`(?P<quoted>[^`\n]{{1,120}})`)",
    r"(?P<made>init)[?!]?(?:<[^\n(]{1,80}>)?\(",
    before=_modified(8),
)  # fmt: skip
"""Languages with a word before every definition."""
_RUBY = _compiled(
    r"(?:(?:private|protected|public|module_function)[ \t]+)?def[ \t]+(?:[\w@]+(?:\.|::))?"
    rf"(?P<name>{_NAME}[?!]?)",
    r"(?:class|module)[ \t]+(?P<type>[\w:]+)",
)
_ELIXIR = _compiled(
    r"(?:def|defp|defmacro|defguard|defdelegate)[ \t]+(?P<name>[a-z_]\w*[?!]?)",
    r"(?:defmodule|defprotocol|defimpl)[ \t]+(?P<type>[\w.]+)",
)

_STATEMENTS = (
    r"if|for|while|switch|return|else|using|typedef|new|delete|case|goto|throw|template|do|sizeof|operator|"
    r"co_await|co_return|co_yield"
)
_NO_NAME = (
    rf"(?!(?:{_STATEMENTS}|defined|decltype|noexcept|alignas|__attribute__|__declspec|void|bool|char|int|unsigned|"
    r"long|auto)\b)"
)
_ATTRIBUTE = r"\[\[[^\]\n]{0,40}\]\][ \t]*"
_MARKED = (
    rf"(?:__attribute__[ \t]*\(\([^\n]{{0,60}}?\)\)[ \t]*)?"
    rf"(?:[A-Z][A-Z\d_]+(?:\([^()\n]{{0,40}}\))?[ \t]+(?=[\w\[]))?(?:{_ATTRIBUTE})?"
)
"""What may stand between `class` and its name: attributes, and a macro that exports it."""
_HEAD = (
    rf"(?:{_BALANCED}[^;{{=\n]{{0,200}}(?:\{{|->[^;\n]{{1,120}}$)|"
    r"\((?:[^;\n]{0,300}(?:[,(){>&:\\]|\b(?:const|override|noexcept|final|default|try|[A-Z_]{4,})))?"
    r"[ \t]*(?://[^\n]*)?$)"
)
"""The brackets of a function: with a body behind them, or going on where no sentence of a comment does."""
_C = _compiled(
    r"(?:typedef[ \t]+)?(?:enum[ \t]+(?:class|struct)|class|struct|enum|union)[ \t]+"
    rf"{_MARKED}(?:\w+::)?(?P<type>{_PLAIN})[ \t]*(?:<[^\n{{;]{{0,120}}(?:>|$))?[ \t]*(?:final[ \t]*)?"
    r"(?:\n?[ \t]*\{|\n[ \t]*:[ \t]|:[^:\n;][^;{\n]{0,160}(?:\{|$))",
    rf"(?:inline[ \t]+)?namespace[ \t]+{_PATH}(?P<space>\w+)[ \t]*(?:\{{|$)",
    rf"#[ \t]*define[ \t]+(?P<macro>{_PLAIN})\(",
    rf"typedef\b[^;\n()]{{1,160}}?(?P<alias>{_PLAIN})(?:\[[^\]\n]{{0,40}}\])?;",
    rf"typedef\b[^;\n(]{{1,80}}\([ \t]*(?:\w+[ \t]*\*|\w+[ \t]+|\*)?[ \t]*(?P<callback>{_PLAIN})\)[ \t]*\(",
    rf"(?<=\n)\}}[ \t]*(?P<closed>{_PLAIN})[ \t]*;",
    rf"using[ \t]+(?P<other>{_PLAIN})[ \t]*=",
    rf"(?!(?:{_STATEMENTS})\b|[^<(\n]*,)(?:::)?[A-Za-z_][\w:<>,*& \t]{{0,160}}?[ \t*&]"
    rf"(?:[\w:<>,]{{1,80}}::)?~?{_NO_NAME}(?P<name>{_PLAIN})[ \t]*(?!\(\[){_HEAD}",
    # Constructors and destructors, outside of their class, ...
    rf"{_PATH}(?P<owner>\w+)(?:<[^>\n]{{1,80}}>)?::~?(?P<special>(?P=owner))[ \t]*{_HEAD}",
    # ... inside of it, ...
    rf"~?(?P<made>[A-Z][A-Z\d]*[a-z]\w*){_BALANCED}(?:[^;\n=)]{{0,200}}(?:\{{|:$)|[ \t]*\n[ \t]+:[ \t])",
    # ... with values for members.
    rf"(?P<filled>{_PLAIN}){_BALANCED}[ \t]*:[ \t][^;\n?]{{1,200}}\{{",
    rf"~(?P<undone>{_PLAIN})\(",
    # With the type on the line before: no call stands at the beginning of a line.
    rf"{_NO_NAME}(?<=\n)(?=\w*[a-z])(?P<own>{_PLAIN})[ \t]*"
    rf"(?:{_BALANCED}[ \t]*(?://[^\n]*)?\n\{{|\((?:[^;\n]{{0,300}},)?[ \t]*$)",
    before=rf"(?:extern[ \t]+\"C\"[ \t]+|{_ATTRIBUTE})?(?:template[ \t]*<[^\n]{{0,200}}>[ \t]*)?",
)
_SHELL = _compiled(rf"function[ \t]+(?P<name>{_NAME})", rf"(?P<method>{_NAME})[ \t]*\(\)[ \t]*\{{?")
_LUA = _compiled(rf"(?:local[ \t]+)?function[ \t]+(?:\w+[.:])?(?P<name>{_NAME})")

_BY_ENDING: dict[str, re.Pattern[str]] = {
    **dict.fromkeys(("py", "pyi"), _PYTHON),
    **dict.fromkeys(("js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts", "vue", "svelte"), _SCRIPT),
    "go": _GO,
    "rs": _RUST,
    **dict.fromkeys(("java", "cs", "dart", "groovy"), _TYPED),
    **dict.fromkeys(("kt", "kts", "swift", "scala", "php", "gradle", "fs", "zig"), _WORDED),
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
