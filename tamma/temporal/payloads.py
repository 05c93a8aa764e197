"""Payloads without pydantic: what a client sends and receives, as pydantic would write and read it.

A command's whole time is mostly imports, and pydantic's are a quarter of a submission. The client's
dataclasses hold nothing that the SDK's own JSON does not know but `Decimal`, and times, which it writes with
`+00:00` where pydantic writes `Z`.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from temporalio.converter import (
    AdvancedJSONEncoder,
    CompositePayloadConverter,
    DataConverter,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
    JSONTypeConverter,
)


class _Encoder(AdvancedJSONEncoder):
    def __init__(self, **options: Any) -> None:
        # As pydantic: UTF-8, and an error here, not in the worker, for text that has no UTF-8.
        options["ensure_ascii"] = False
        super().__init__(**options)

    def default(self, o: Any) -> Any:
        if isinstance(o, datetime):
            return o.isoformat().replace("+00:00", "Z")
        return str(o) if isinstance(o, Decimal) else super().default(o)


class _Decimals(JSONTypeConverter):
    def to_typed_value(self, hint: type, value: Any) -> Any:
        if hint is not Decimal:
            return JSONTypeConverter.Unhandled
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise TypeError(f"{value!r} is no decimal number")
        try:
            return Decimal(str(value))
        except InvalidOperation:
            raise TypeError(f"{value!r} is no decimal number") from None


class _ClientPayloads(CompositePayloadConverter):
    def __init__(self) -> None:
        json = JSONPlainPayloadConverter(encoder=_Encoder, custom_type_converters=[_Decimals()])
        others = DefaultPayloadConverter.default_encoding_payload_converters
        super().__init__(*(json if other.encoding == json.encoding else other for other in others))


client_data_converter = DataConverter(payload_converter_class=_ClientPayloads)
"""Reads what `pydantic_data_converter` writes, and the other way round."""
