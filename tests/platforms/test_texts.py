"""Texts that are shortened to a platform's limit, and the marks by which writes are found again."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tamma.platforms.common.bodies import Unit, fit, measure
from tamma.platforms.common.marks import (
    footer_line,
    mark_line,
    mark_of,
    with_footer,
    with_mark,
    without_mark,
)

LINK = "https://forge.example.test/octo/hello/issues/12"
OP = "0197b0c4/pr_2"
LINES = st.sampled_from(
    ["", "words and more words", "```", "```py", "````", "~~~", "  ```", "- item", "  more", "- ```", "> ```",
     "> said", "    code", "1. one", "<details>", "</details>", "<!-- hidden", "-->", "x = '`'", "# Head",
     "naïve 🐛 数据"]
)  # fmt: skip
TEXTS = st.one_of(
    st.lists(LINES, max_size=40).map("\n".join),
    st.lists(LINES, max_size=40).map("\r\n".join),
    st.text(max_size=600),
)
UNITS = st.sampled_from(["characters", "bytes", "utf16"])
MARKS = st.sampled_from(["", mark_line(OP), footer_line(OP)])
LIMITS = st.integers(60, 400)


# --- shortening -------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(TEXTS, LIMITS, UNITS, MARKS, st.sampled_from(["", LINK]))
def test_a_fitted_text_fits_keeps_its_mark_and_stays_as_it_is(
    text: str, limit: int, unit: Unit, mark: str, link: str
) -> None:
    fitted = fit(text, limit, mark=mark, link=link, unit=unit)
    assert measure(fitted, unit) <= limit
    assert fit(fitted, limit, mark=mark, link=link, unit=unit) == fitted
    assert mark_of(fitted) == (OP if mark else mark_of(text))
    fitted.encode()  # no half of a character


BLOCKS = st.sampled_from(
    [
        "A paragraph of words\nand `code` and *more* words.",
        "```py\nx = '```'\n\n~~~\n# no head\n```",
        "~~~~\n~~~\n```\n- code\n~~~~",
        "  ```\ncode\n    ```\n  ```",
        "- item\n\n  ```sh\n  make\n\n  make test\n  ```\n- item\n  goes on\nlazily",
        "1. one\n   - two\n     ```\n     three\n     ```",
        "10) ```\n    code\n    ```",
        "> said\n> ```\n> code\n> ```",
        "    indented\n    ```\n    code",
        "<details>\n<summary>Log</summary>\n\n```\n</details>\n```\n\n</details>",
        "<!-- nobody\n\n```\nsees this -->",
        "<pre>\n```\n\n# raw\n</pre>",
        "# Head\n\n| a | b |\n|---|---|\n| `1` | 2 |",
    ]
)


@settings(max_examples=60)
@given(st.lists(BLOCKS, min_size=1, max_size=12).map("\n\n".join), st.integers(0, 400))
@example("- item\n\n    indented\n    ```\n    code\n\n  ```\ncode\n    ```\n  ```", 0)
@example("- item\n  goes on\nlazily\n\n> said\n\n  ```\ncode\n    ```\n  ```", 0)
def test_what_follows_a_shortened_text_is_a_paragraph_of_its_own(text: str, more: int) -> None:
    fitted = fit(text + "\n\n" + "rest " * 200, 400 + more, mark=mark_line(OP), link=LINK)
    tokens = MarkdownIt("commonmark").parse(fitted)
    seen = [token.level for token in tokens if token.type == "inline" and token.content.endswith(LINK)]
    assert seen == [1]
    html = "".join(token.content for token in tokens if token.type == "html_block")
    assert html.count("<details>") <= html.count("</details>")


# --- marks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", [mark_line(OP), footer_line(OP)])
@pytest.mark.parametrize(
    "given_back",
    ["{text}\n\n{mark}", "{text}\r\n\r\n{mark}\r\n", "{text}\n\n{mark} \n\t\n", "{text}\n{mark}&nbsp;"],
)
def test_a_mark_is_read_as_services_give_it_back(mark: str, given_back: str) -> None:
    body = given_back.format(text="It works.\n\nReally.", mark=mark)
    assert (mark_of(body), without_mark(body)) == (OP, "It works.\n\nReally.")


@pytest.mark.parametrize(
    "body",
    [
        f"It works.\n\n&lt;!-- tamma:op={OP} --&gt;",
        f"It works.\n\n\\_tamma:op={OP.replace('_', chr(92) + '_')}\\_",
        f"It works.<br><em>tamma:op={OP}</em>",
        f"It works.<div><span><em>tamma:op={OP}</em></span><br></div>\n",
        f"It works.\n<p>_tamma:op={OP}_</p>",
    ],
)
def test_a_mark_is_read_from_what_became_html(body: str) -> None:
    assert (mark_of(body), without_mark(body)) == (OP, "It works.")


@pytest.mark.parametrize("mark", [mark_line(OP), footer_line(OP)])
@pytest.mark.parametrize(
    "text", ["> {mark}", "{mark}\n\nI saw this.", "I saw {mark}", "`{mark}`", "- {mark}", ""]
)
def test_a_mark_that_a_person_copied_is_none(mark: str, text: str) -> None:
    body = text.format(mark=mark)
    assert mark_of(body) is None
    assert without_mark(body) == body
    again = with_mark(body, "other")
    assert (mark_of(again), without_mark(again)) == ("other", body)


def test_a_mark_takes_the_place_of_another() -> None:
    assert with_footer(with_mark("Text  \n\n", "first"), OP) == f"Text\n\n_tamma:op={OP}_"
    assert with_mark("", OP) == f"<!-- tamma:op={OP} -->"
    assert without_mark(with_mark("", OP)) == ""
    assert (mark_of(None), without_mark(None)) == (None, "")


def test_reading_a_hostile_text_takes_no_time() -> None:
    for text in ("\n" * 300_000, "<p>" * 100_000, "tamma:op=" * 30_000, f"\n_tamma:op={'_' * 200_000}x"):
        assert mark_of(text + "x") is None
