"""Text that UTF-8 cannot hold gets through: a model wrote it, or a file is called so."""

from __future__ import annotations

import pytest

from tamma.model.conversation import ToolCall
from tamma.model.foreign import mend_part, read_json
from tamma.model.session import Finished
from tamma.temporal.plugin import data_converter


def test_a_payload_with_half_a_character_is_mended() -> None:
    converter = data_converter.payload_converter
    given = Finished("a\ud800b \U0001f600", test_files=("\udcff.py",))
    (payload,) = converter.to_payloads([given])
    (back,) = converter.from_payloads([payload], [Finished])
    assert back == Finished("a\ufffdb \U0001f600", test_files=("\ufffd.py",))
    assert converter.from_payloads(converter.to_payloads([("\ud83d\ude00",)])) == [["\U0001f600"]]


def test_a_part_is_mended_in_all_its_texts() -> None:
    assert mend_part(ToolCall("1", "\ud800", "{\udfff}")) == ToolCall("1", "\ufffd", "{\ufffd}")


def test_nesting_beyond_the_stack_is_bad_json() -> None:
    with pytest.raises(ValueError, match="too deeply"):
        read_json("[" * 100_000)
