"""How tests look in languages that are read by patterns: where they begin, what skips them, what they check.

The patterns see masked text: no comment, and no string's content.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tamma.workspace.weakening.masking import GO, JAVA, RUBY, RUST, SLASHED, Syntax
from tamma.workspace.weakening.reading import EXACT, PARTIAL, VAGUE


@dataclass(frozen=True, slots=True)
class Language:
    """`test` has the groups `name`, and `mark` where a mark of its own may skip it."""

    syntax: Syntax
    test: re.Pattern[str]
    checks: tuple[tuple[re.Pattern[str], int], ...]
    """(pattern, strength): the first that fits at a place counts."""
    skip_mark: re.Pattern[str] | None = None
    """In the `mark` of a test or of the block around it."""
    skip_call: re.Pattern[str] | None = None
    """Within a test."""
    skip_file: re.Pattern[str] | None = None
    block: re.Pattern[str] | None = None
    """What holds tests and may be skipped as a whole; has the group `mark`."""
    focus: re.Pattern[str] | None = None
    """What keeps every other test from being run."""
    helper: re.Pattern[str] | None = None
    """Names of functions that are no tests, but that tests may use."""
    guarded: bool = False
    """A check is a failure that is reported under a condition: the condition is part of it."""
    indented: bool = False
    """Blocks end with `end` at the indentation they began with, not with a brace."""


def _patterns(*pairs: tuple[str, int]) -> tuple[tuple[re.Pattern[str], int], ...]:
    return tuple((re.compile(pattern, re.MULTILINE), strength) for pattern, strength in pairs)


_MULTI = re.MULTILINE
_QUOTED = r"(?P<name>[\"'`][^\"'`]*[\"'`])"
_FEW = "{0,12}"
"""Marks in a row: without a bound, a file of nothing else would take minutes."""
_INNER = r"(?:[^()]|\((?:[^()]|\([^()]*\))*\))*"
"""What stands between brackets, with two more levels of them."""
_EXPECT = rf"\bexpect\w*\({_INNER}\)\s*\."
_TO_BE = r"to\s*\.\s*(?:be\s*\.\s*)?"

JAVASCRIPT = Language(
    SLASHED,
    re.compile(
        r"(?<![\w.$])(?P<mark>[xf]?(?:it|test|specify)(?:\.\w+)*)(?:\([^()]*\)|`[^`]*`)?"
        rf"\s*\(\s*{_QUOTED}"
    ),
    _patterns(
        (
            (
                rf"{_EXPECT}(?:not\s*\.\s*)?(?:toBe(?:Defined|Truthy|Falsy|Undefined)|toThrow(?:Error)?"
                rf"|toHaveBeenCalled|{_TO_BE}(?:exist|ok))\b\s*(?:\(\s*\))?(?!\s*\()"
            ),
            VAGUE,
        ),
        (
            (
                rf"{_EXPECT}(?:not\s*\.|{_TO_BE}(?:an?\b|above|below|include)"
                r"|to(?:Contain|Match(?!Object|Inline|Snap)|BeGreater|BeLess|BeInstanceOf|HaveLength|HaveProperty))"
            ),
            PARTIAL,
        ),
        (r"\bexpect\w*\s*\(", EXACT),
        (rf"\bassert(?:\.(?:ok|isOk|exists|isDefined))?\s*\((?!{_INNER}[^()]===?)", VAGUE),
        (r"\bassert\.(?:not\w+|match|include\w*|isAbove|isBelow|throws|rejects)\s*\(", PARTIAL),
        (r"\bassert(?:\.\w+)*\s*\(|\bt\.(?:is|deepEqual|equal|same|like)\s*\(|\.should\b", EXACT),
    ),
    skip_mark=re.compile(r"^x|\.(?:skip|todo|skipIf|fails?|failing|fixme)\b"),
    skip_call=re.compile(r"\b(?:this|t|ctx|context|test)\.skip\s*\(|\bpending\s*\("),
    block=re.compile(r"(?<![\w.$])(?P<mark>[xf]?(?:describe|suite|context)(?:\.\w+)*)\s*\("),
    focus=re.compile(
        r"(?<![\w.$])(?:f(?:it|describe|context)\s*\(|(?:it|test|describe|suite|context)(?:\.\w+)*\.only\b)"
    ),
)

_GO_HELPERS = r"\w*[tT]est|assert|check|require"
GO_LANGUAGE = Language(
    GO,
    re.compile(rf"^func\s+(?:\([^)]*\)\s*)?(?P<name>(?:Test|Fuzz|Example|{_GO_HELPERS})\w*)\s*\(", _MULTI),
    _patterns(
        (r"\b(?:assert|require)\.(?:NotNil|NotEmpty|NotZero|Error|True)f?\(", VAGUE),
        (
            r"\b(?:assert|require)\.(?:Not\w+|Contains|Greater\w*|Less\w*|Len|Regexp|Error\w+|IsType)f?\(",
            PARTIAL,
        ),
        (r"\b(?:assert|require|is)\.\w+\(|\b(?:t|b|f|tb)\.(?:Errorf?|Fatalf?|Fail|FailNow)\(", EXACT),
        (r"\b(?:assert|check|require|verify|expect)[A-Z]\w*\(", EXACT),
    ),
    skip_call=re.compile(r"\b(?:t|b|f|tb)\.Skip(?:f|Now)?\("),
    helper=re.compile(r"[a-z]"),
    guarded=True,
    skip_file=re.compile(r"\A(?:\s|//[^\n]*\n)*//go:build\s+(?:ignore|never|skip|disabled?)\b"),
)

_ANNOTATION = r"@\w[\w.]*(?:\s*\((?:[^()]|\([^()]*\))*\))?\s*"
JAVA_LANGUAGE = Language(
    JAVA,
    re.compile(
        rf"(?P<mark>(?:{_ANNOTATION}){_FEW}?@\w*(?:Test|TestFactory)\b(?:\s*\((?:[^()]|\([^()]*\))*\))?\s*"
        rf"(?:{_ANNOTATION}){_FEW})(?:[\w<>\[\],.?]+\s+)*?(?P<name>\w+|`[^`]*`)\s*\("
    ),
    _patterns(
        (r"\b(?:assertNotNull|assertNotEmpty|assertDoesNotThrow)\s*\(", VAGUE),
        (rf"\bassertThat\s*\({_INNER}\)\s*\.is(?:NotNull|NotEmpty|Present)\(\)\s*;", VAGUE),
        (r"\bassertThrows\s*\(\s*(?:Exception|Throwable|RuntimeException)\.class", VAGUE),
        (r"\bassert(?:Not\w+|True|Throws\w*|InstanceOf|Timeout\w*)\s*\(", PARTIAL),
        (r"\b(?:assert|verify|expect|check|should)\w*\s*\(", EXACT),
    ),
    skip_mark=re.compile(r"@(?:Disabled\w*|Ignored?)\b|\benabled\s*=\s*false|\bexpected\s*=\s*(?:Exception|Throwable)\b"),
    skip_call=re.compile(r"\b(?:Assumptions\.)?assumeTrue\s*\(\s*false|\bthrow new (?:Skip|TestAborted)\w*"),
    block=re.compile(
        rf"(?P<mark>(?:{_ANNOTATION}){_FEW})(?:(?:public|final|open|internal|abstract)\s+)*class\s+\w+"
    ),
)  # fmt: skip

_ATTRIBUTES = rf"(?:#\[[^\]]*\]\s*){_FEW}"
RUST_LANGUAGE = Language(
    RUST,
    re.compile(
        rf"(?P<mark>{_ATTRIBUTES}#\[(?:[\w:]*test|rstest|test_case\([^\]]*\))(?:\([^\]]*\))?\]\s*{_ATTRIBUTES})"
        r"(?:pub(?:\([^)]*\))?\s+)?(?:async\s+)?fn\s+(?P<name>\w+)"
    ),
    _patterns(
        (rf"\bassert!\s*\({_INNER}\.is_(?:some|ok|err)\(\)\s*[,)]", VAGUE),
        (r"\bassert_ne!\s*\(", PARTIAL),
        (rf"\bassert!\s*\({_INNER}[^()]==", EXACT),
        (r"\bassert!\s*\(", PARTIAL),
        (r"\b(?:assert|check|verify)\w*!?\s*\(|\bpanic!\s*\(|\.(?:unwrap_err|expect_err)\(", EXACT),
    ),
    skip_mark=re.compile(r"#\[(?:ignore\b|cfg\((?:any\(\)|never|FALSE))"),
    block=re.compile(rf"(?P<mark>{_ATTRIBUTES})(?:pub\s+)?mod\s+\w+\s*\{{"),
)  # fmt: skip

_NEGATED = r"\.(?:not_to|to_not)\b"
RUBY_LANGUAGE = Language(
    RUBY,
    re.compile(
        r"^[ \t]*(?:def\s+(?P<method>test_\w+[?!]?)"
        r"|(?P<mark>[xf]?(?:it|specify|test|example|scenario))\b\s*\(?\s*"
        rf"{_QUOTED}(?P<options>[^\n]*))",
        _MULTI,
    ),
    _patterns(
        (
            (
                r"\bexpect\b[^\n]*\.(?:to|not_to|to_not)\b\s*\(?"
                r"(?:be_truthy|be_present|exist|raise_error\s*(?:$|\)))"
            ),
            VAGUE,
        ),
        (r"\b(?:assert_not_nil|refute_nil)\b", VAGUE),
        (rf"\bexpect\b[^\n]*(?:{_NEGATED}|\.to\b\s*\(?(?:include|match|be_an?\b|be\s*[<>]))", PARTIAL),
        (r"\b(?:refute\w*|assert_(?:includes|match|kind_of|instance_of|operator))\b", PARTIAL),
        (r"\bassert(?=[ (])(?![^\n]*==)", PARTIAL),
        (r"\b(?:assert|expect|check|verify|must)\w*\b|\.should\b|\bis_expected\b", EXACT),
    ),
    skip_mark=re.compile(r"^x|\b(?:skip|pending)\s*:|:(?:skip|pending)\b"),
    skip_call=re.compile(r"^[ \t]*(?:skip|pending|omit)\b(?!\s*=)", _MULTI),
    block=re.compile(r"^[ \t]*(?P<mark>(?:RSpec\.)?[xf]?(?:describe|context|feature)\b[^\n]*)", _MULTI),
    focus=re.compile(r"^[ \t]*f(?:it|describe|context)\b|\bfocus:\s*true\b|,\s*:focus\b", _MULTI),
    indented=True,
)

LANGUAGES: dict[str, Language] = {
    **dict.fromkeys(("js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts", "vue"), JAVASCRIPT),
    **dict.fromkeys(("java", "kt", "kts", "groovy", "scala"), JAVA_LANGUAGE),
    "go": GO_LANGUAGE,
    "rs": RUST_LANGUAGE,
    "rb": RUBY_LANGUAGE,
}
"""By the end of the file's name."""
