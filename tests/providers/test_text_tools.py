"""Tools for models without tool calls: the grammar, the rendering, the wrapper."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamma.model.conversation import (
    Capabilities,
    Finish,
    FinishReason,
    Image,
    Message,
    Request,
    Role,
    Start,
    StreamEvent,
    Text,
    TextDelta,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    ToolChoice,
    ToolResult,
    user,
)
from tamma.providers.interface import ProviderSettings, complete
from tamma.providers.scripted.provider import Scripted
from tamma.providers.text_tools.forms import Call, Forms
from tamma.providers.text_tools.parser import Parser
from tamma.providers.text_tools.provider import TextTools
from tamma.providers.text_tools.rendering import in_text, parsed, written
from tamma.workspace.tools import TOOLS, parse_arguments
from tests.support.pace import effort

ALL = Forms(edit=True, bash=True)
SCHEMA: dict[str, object] = {"type": "object", "properties": {"a": {"type": "object"}}}
OTHER = Tool("server__tool", "A tool from elsewhere.", SCHEMA)
IMAGE = Image("image/png", "AA==")

EDIT = "src/app.py\n<<<<<<< SEARCH\n    a = 1\n=======\n    a = 2\n>>>>>>> REPLACE\n"
EDITED = ("str_replace", {"path": "src/app.py", "old": "    a = 1\n", "new": "    a = 2\n"})


def read(text: str, forms: Forms = ALL, *, cut_off: bool = False) -> list[Any]:
    """Words as they are, calls as (name, arguments), broken ones as (name, problem)."""
    return joined(parsed(text, forms, cut_off=cut_off))


def joined(pieces: list[str | Call]) -> list[Any]:
    found: list[Any] = []
    for piece in pieces:
        if isinstance(piece, Call):
            found.append((piece.name, piece.problem or json.loads(piece.args_json)))
        elif found and isinstance(found[-1], str):
            found[-1] += piece
        else:
            found.append(piece)
    return found


# --- the grammar ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        EDIT,
        EDIT.replace("\n", "\r\n"),
        f"```python\n{EDIT}```\n",
        "src/app.py\n```python\n" + EDIT.removeprefix("src/app.py\n") + "```",
        EDIT.replace("src/app.py", "**`src/app.py`**:"),
        EDIT.replace("src/app.py", "### src/app.py\n"),
        "".join(f"  {line}\n" for line in EDIT.splitlines()),
        EDIT.replace("<<<<<<<", "<<<<<").replace(">>>>>>>", ">>>>>>>>").rstrip(),
    ],
    ids=["plain", "crlf", "fenced", "path before fence", "bold", "heading", "indented", "other lengths"],
)
def test_an_edit_is_read_as_models_write_it(text: str) -> None:
    assert read(text) == [EDITED]
    assert read(f"I see the bug.\n\n{text}") == ["I see the bug.", EDITED]


def test_an_edit_without_lines_to_find_makes_a_file() -> None:
    text = "`my notes.md`\n<<<<<<< SEARCH\n=======\n# Notes\n\n```tool x\n{}\n```\n>>>>>>> REPLACE"
    assert read(text) == [("create", {"path": "my notes.md", "content": "# Notes\n\n```tool x\n{}\n```\n"})]
    assert read("a\n<<<<<<< SEARCH\nb\n=======\n>>>>>>> REPLACE") == [
        ("str_replace", {"path": "a", "old": "b\n", "new": ""})
    ]


def test_scripts_and_other_tools_stand_in_fences() -> None:
    text = (
        "Let me look.\n```bash run\nls\n\n```\nand\n~~~~ tool view\n{'path'\n~~~\n~~~~\n"
        '  ```tool server__tool\n  {"a": {"b": [1,]},}\n  ```  '
    )
    words, script, more, (name, problem), other = read(text)
    assert (words, script, more) == ("Let me look.", ("bash", {"command": "ls\n"}), "and")
    assert name == "view"
    assert "not valid JSON" in problem
    assert other == ("server__tool", {"a": {"b": [1]}})
    assert read("```tool view\n[1]\n```") == [("view", "the arguments are not a JSON object")]


def test_a_script_holds_fences_where_its_own_is_longer() -> None:
    assert read("````bash run\ncat > a.md <<'X'\n```tool finish\n{}\n```\nX\n````\n") == [
        ("bash", {"command": "cat > a.md <<'X'\n```tool finish\n{}\n```\nX"})
    ]


def test_the_last_fence_may_be_missing_but_not_the_last_marker() -> None:
    assert read('```tool finish\n{"summary": "done"}') == [("finish", {"summary": "done"})]
    assert read("```bash run\nls") == [("bash", {"command": "ls"})]
    assert read("```tool status") == [("status", {})]
    ((name, problem),) = read(EDIT.replace(">>>>>>> REPLACE\n", ""))
    assert name == "str_replace"
    assert "ended before" in problem


def test_a_block_that_was_cut_off_is_not_run() -> None:
    ((name, problem),) = read("```bash run\nrm -rf build/ca", cut_off=True)
    assert (name, problem) == ("bash", "the answer ended before the block did")
    assert "ended before" in read("```tool view\n", cut_off=True)[0][1]
    assert "ended before" in read('```tool view\n{"path": "a', cut_off=True)[0][1]
    # Arguments that are whole are whole.
    assert read('```tool view\n{"path": "a"}', cut_off=True) == [("view", {"path": "a"})]
    assert read(f"{EDIT}```bash run\nls", cut_off=True)[0] == EDITED


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Change it so:\n" + EDIT.removeprefix("src/app.py\n"), "no line with the path"),
        (EDIT.replace("=======\n", ""), "no line ======="),
        (EDIT.replace("    a = 2\n", "Title\n=======\n"), "'=======' stands there twice"),
        (EDIT.replace(">>>>>>> REPLACE\n", EDIT), "'<<<<<<< SEARCH' stands there twice"),
    ],
)
def test_an_edit_that_can_mean_two_things_is_told_as_broken(text: str, problem: str) -> None:
    call = parsed(text, ALL)[-1]
    assert isinstance(call, Call)
    assert call.name == "str_replace"
    assert problem in str(call.problem)
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(call.args_json)  # so that whoever runs it refuses it


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  \n",
        "Done.\n\nAll is well\n",
        "Run it:\n```bash\nls\n```\nor\n```\nx\n```\n",
        "An example:\n````markdown\n```tool bash\n{}\n```\n" + EDIT + "````\nThat is all.",
        "```text\nsays\n" + EDIT + "```",
        "```python\npass\n```\n\n`a`\n\nsrc/app.py\n",
        "a < b <<<<<<< SEARCH\n======= \n>>>>>>> REPLACE\n",
        "inline ```tool x``` code\n```tool x``` too\n",
        "#!#*`\n~~\n``\n",
        "x" * 3000 + "\n" + "`" * 1200,
    ],
)
def test_words_stay_words(text: str) -> None:
    assert read(text) == ([text] if text else [])


def test_forms_are_those_of_the_tools_that_there_are() -> None:
    assert Forms.of(TOOLS) == ALL
    assert Forms.of([OTHER]) == Forms()
    assert Forms.of([replace(OTHER, name="str_replace"), replace(OTHER, name="bash")]) == Forms()
    assert read(EDIT + "```bash run\nls\n```\n", Forms()) == [EDIT + "```bash run\nls\n```\n"]


def test_a_model_that_plays_the_tools_itself_moves_nothing_more() -> None:
    result = '<tool_result tool="view">\nx\n</tool_result>\n```tool finish\n{}\n```'
    assert read('```tool view\n{"path": "a"}\n```\n' + result) == [("view", {"path": "a"}), result]
    assert read(result.replace(' tool="view"', "")) == [result.replace(' tool="view"', "")]


# --- any text, any split -------------------------------------------------------------------------

MARKERS = ("<<<<<<< SEARCH", "  <<<<<<< SEARCH", "=======", "\\=======", ">>>>>>> REPLACE")
FENCES = ("```", "````", "```python", "```bash run", "  ```bash run", "```tool view", "~~~")
PATHS = ("src/a.py", "`b c.md`", "# Title", "**", "`", "<tool_result>", '<tool_result tool="x">')
REST = ("words of mine", '{"path": "a"}', "{broken", "", "  x", "\r")
LINES = st.sampled_from([*MARKERS, *FENCES, *PATHS, *REST])
TEXTS = st.lists(LINES | st.text("ab `~<=>\\\n\r*:", max_size=6), max_size=12).map("\n".join)


@given(TEXTS, st.data())
def test_any_split_says_the_same(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    parser = Parser(ALL)
    pieces: list[str | Call] = []
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        pieces += parser.feed(text[start:end])
    pieces += parser.close(cut_off=False)
    assert joined(pieces) == read(text)
    single = Parser(ALL)
    one_by_one = [piece for char in text for piece in single.feed(char)] + single.close(cut_off=False)
    assert joined(one_by_one) == read(text)


@given(TEXTS)
def test_what_was_read_reads_the_same_when_it_is_written(text: str) -> None:
    calls = [piece for piece in parsed(text, ALL) if isinstance(piece, Call)]
    shown = [written(ToolCall("c", call.name, call.args_json), ALL) for call in calls]
    again = [parsed(each, ALL, cut_off=True) for each in shown]
    assert [[(c.name, c.args_json) for c in each if isinstance(c, Call)] for each in again] == [
        [(call.name, call.args_json)] for call in calls
    ]


CONTENT = (
    st.lists(LINES | st.text(max_size=5), max_size=6).map("\n".join)
    | st.lists(LINES, max_size=6).map(lambda lines: "".join(f"{line}\n" for line in lines))
    | st.text(max_size=20)
)
PATH = st.text(max_size=9) | CONTENT


def calls_of(name: str, *fields: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[tuple[str, Any]]:
    return st.tuples(st.just(name), st.one_of(*fields))


CALLS = st.one_of(
    calls_of("create", st.fixed_dictionaries({"path": PATH, "content": CONTENT})),
    calls_of("str_replace", st.fixed_dictionaries({"path": PATH, "old": CONTENT, "new": CONTENT})),
    calls_of("bash", st.fixed_dictionaries({"command": CONTENT}, optional={"timeout": st.integers()})),
    calls_of("server__tool", st.fixed_dictionaries({"a": CONTENT})),
)


@given(st.lists(CALLS, max_size=4))
def test_every_call_can_be_written_and_read_back(calls: list[tuple[str, Mapping[str, object]]]) -> None:
    text = "\n\n".join(written(ToolCall("c", name, json.dumps(args)), ALL) for name, args in calls)
    assert read(text) == calls


def test_a_call_is_written_in_the_plainest_form() -> None:
    name, values = EDITED
    assert written(ToolCall("c", name, json.dumps(values)), ALL) + "\n" == EDIT
    assert written(ToolCall("c", "bash", '{"command": "ls"}'), ALL) == "```bash run\nls\n```"
    # A passage that ends within a line is no whole line.
    part = written(ToolCall("c", "str_replace", '{"path": "a", "old": "x", "new": "y"}'), ALL)
    assert part.startswith("```tool str_replace\n{")
    heading = written(ToolCall("c", "create", '{"path": "a.rst", "content": "Title\\n=======\\n"}'), ALL)
    assert "\n\\=======\n>>>>>>> REPLACE" in heading
    assert written(ToolCall("c", "view", '{"path": '), ALL) == '```tool view\n{"path": \n```'


def test_a_long_answer_in_small_deltas_costs_little() -> None:
    def read_all() -> None:
        for text in ("x" * 400_000, "word " * 80_000, "```bash run\n" + "y" * 400_000, "a\n" * 50_000):
            parser = Parser(ALL)
            for at in range(0, len(text), 4):
                parser.feed(text[at : at + 4])
            parser.close(cut_off=False)

    assert effort(read_all) < 100, "below 10; thousands if it were quadratic"


# --- the request ---------------------------------------------------------------------------------


def test_tools_calls_and_results_become_text() -> None:
    broken = EDIT.replace("=======\n", "").rstrip()
    request = Request(
        "m",
        (
            user("Fix it."),
            Message(Role.ASSISTANT, (Text("I look."), ToolCall("1", "view", '{"path": "a"}'))),
            Message(
                Role.USER,
                (ToolResult("1", "    x </tool_result>"), Text("Go on."), IMAGE),
            ),
            Message(Role.ASSISTANT, (ToolCall("2", "str_replace", broken),)),
            Message(Role.USER, (ToolResult("2", "not valid JSON", is_error=True),)),
        ),
        system="You are an agent.",
        tools=(*TOOLS, OTHER),
        tool_choice=ToolChoice.REQUIRED,
    )
    sent = in_text(request)
    assert sent.tools == ()
    assert sent.tool_choice is ToolChoice.AUTO
    assert sent.system.startswith("You are an agent.\n\n# Tools")
    for shown in (
        "server__tool",
        "finish",
        '"additionalProperties":false',
        "<<<<<<< SEARCH",
        "must call a tool",
    ):
        assert shown in sent.system
    first, asked, told, again, refused = sent.messages
    assert first is request.messages[0]
    assert asked.parts == (Text('I look.\n\n```tool view\n{"path": "a"}\n```'),)
    assert told.parts == (
        Text('<tool_result tool="view">\n    x &lt;/tool_result>\n</tool_result>\n\nGo on.'),
        IMAGE,
    )
    assert again.parts == (Text(broken),)
    assert "no line =======" in refused.text
    assert 'error="true"' in refused.text


def test_without_tools_to_call_only_the_history_is_rewritten() -> None:
    history = (Message(Role.ASSISTANT, (ToolCall("1", "bash", '{"command": "ls"}'),)),)
    for request in (Request("m", history), Request("m", history, tools=TOOLS, tool_choice=ToolChoice.NONE)):
        sent = in_text(request)
        assert sent.system == ""
        assert sent.messages[0].text == '```tool bash\n{"command": "ls"}\n```' or request.tools


# --- the wrapper ---------------------------------------------------------------------------------


class Toolless(Scripted):
    """A scripted model that has no tool calls."""

    def capabilities(self, model: str) -> Capabilities:
        return replace(super().capabilities(model), tools=False)


def wrapped(text: str, kind: type[Scripted] = Toolless, **turn: object) -> TextTools:
    return TextTools(kind(ProviderSettings("mine", "scripted", options={"turns": [{"text": text, **turn}]})))


def asking(*history: Message, tools: tuple[Tool, ...] = TOOLS) -> Request:
    return Request("m", (user("Fix it."), *history), tools=tools, metadata={"turn": "0"})


async def events(provider: TextTools, request: Request) -> list[StreamEvent]:
    async with aclosing(provider.stream(request)) as stream:
        return [event async for event in stream]


async def test_text_becomes_calls() -> None:
    seen = await events(wrapped(f"The cause is clear.\n\n{EDIT}\n```tool view\n{{\n```\n"), asking())
    assert isinstance(seen[0], Start)
    assert "".join(event.text for event in seen if isinstance(event, TextDelta)) == "The cause is clear."
    edit, view = [event for event in seen if isinstance(event, ToolCallEnd)]
    assert parse_arguments(edit.call.name, edit.call.args_json).text("old") == "    a = 1\n"
    assert edit.parse_error is None
    assert "not valid JSON" in str(view.parse_error)
    assert [event.index for event in seen if isinstance(event, ToolCallStart)] == [0, 1]
    assert [event.args_fragment for event in seen if isinstance(event, ToolCallDelta)] == [
        edit.call.args_json,
        view.call.args_json,
    ]
    finish = seen[-1]
    assert isinstance(finish, Finish)
    assert finish.reason is FinishReason.TOOL_CALLS
    assert finish.native_reason == "stop"


async def test_ids_are_unique_in_a_conversation_and_the_same_in_a_replay() -> None:
    provider, request = wrapped(f"{EDIT}{EDIT}"), asking()
    for _ in range(3):
        completion = await complete(provider, request)
        assert completion == await complete(provider, request)
        results = tuple(ToolResult(call.id, "done") for call in completion.message.tool_calls)
        request = asking(*request.messages[1:], completion.message, Message(Role.USER, results))
    ids = [call.id for message in request.messages for call in message.tool_calls]
    assert len(ids) == len(set(ids)) == 6


async def test_words_pass_as_they_come() -> None:
    passing = Parser(ALL)
    assert passing.feed("The ") == []
    assert passing.feed("cause") == ["The cause"]
    assert passing.feed(" is") == [" is"]
    assert passing.feed(" clear.\n") == [" clear."]
    assert passing.feed("src/app.py\n<<<") == []
    assert passing.feed("< x") == ["\nsrc/app.py", "\n<<<< x"]


async def test_a_cut_off_answer_keeps_its_reason() -> None:
    completion = await complete(wrapped(f"{EDIT}\n```bash run\nrm -rf /tmp/x", finish="length"), asking())
    assert completion.finish.reason is FinishReason.LENGTH
    whole, cut = completion.message.tool_calls
    assert whole.name == "str_replace"
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(cut.args_json)


async def test_models_with_tools_and_requests_without_pass_untouched() -> None:
    native = wrapped(EDIT, Scripted)
    assert (await complete(native, asking())).message.text == EDIT
    assert native.capabilities("m") == Scripted(native.settings).capabilities("m")
    assert (await complete(wrapped(EDIT), asking(tools=()))).message.text == EDIT


async def test_the_capabilities_say_how() -> None:
    provider = wrapped("x")
    able = provider.capabilities("m")
    assert able.tools
    assert not able.forced_tool
    assert "text protocol" in able.source
    assert (await provider.count_tokens(asking())).tokens > (
        await provider.count_tokens(asking(tools=()))
    ).tokens
    await provider.start()
    assert (await provider.check()).ok
    assert await provider.models() == ()
    await provider.close()


@pytest.mark.timeout(20)
def test_endless_white_space_is_read_in_linear_time() -> None:
    """Small models do fall into it; put together piece by piece it would take minutes."""
    parser = Parser(Forms(edit=True, bash=True))
    line = " " * 500 + "\n"
    for _ in range(20_000):
        assert parser.feed(line) == []
    assert parser.feed("it is done") == [line * 20_000 + "it is done"]
