"""What the PostgreSQL store and its in-memory twin must agree on: forms, checks, hashes and refusals."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import cast

from tamma.errors import BlobMissing, StoreConflict, StoreError, Superseded
from tamma.model.conversation import Part
from tamma.model.foreign import SURROGATE, mend_part, mend_text
from tamma.model.ids import BlobId, SessionId
from tamma.model.serial import parts_to_json
from tamma.store.interface import AppendCondition, Entry, EventQuery, Lease, NewEvent

MAX_BLOB_BYTES = 64 * 1024 * 1024
GENESIS = "0" * 64
"""Stands for the hash before the first event."""

_BLOB_ID = re.compile(r"sha256:[0-9a-f]{64}")

# --- text ----------------------------------------------------------------------------------------


def check_key(what: str, text: str) -> str:
    """`text`, a key or name. Raises StoreError where PostgreSQL's text cannot hold it."""
    if "\x00" in text or SURROGATE.search(text):
        raise StoreError(f"{what} {text!r} holds characters that cannot be stored")
    return text


# --- transcripts ---------------------------------------------------------------------------------


def encode_parts(parts: tuple[Part, ...]) -> str:
    """A message's parts as the JSON that is stored and compared."""
    try:
        return parts_to_json(parts)
    except ValueError:
        return parts_to_json(tuple(mend_part(part) for part in parts))


def check_batch(session_id: SessionId, entries: Sequence[Entry], lease: Lease | None) -> None:
    """Raises StoreConflict unless seqs count up without a gap and the lease is of the same transcript."""
    if lease is not None and lease.session_id != session_id:
        raise StoreConflict(f"the lease is for {lease.session_id!r}, the entries are for {session_id!r}")
    first = entries[0].seq
    check_seq(session_id, first)
    for expected, entry in enumerate(entries, first):
        if entry.seq != expected:
            raise StoreConflict(f"{session_id!r}: entry {expected} was due, {entry.seq} was given")
        for what in ("provider", "model", "finish", "cost_source"):
            check_key(f"the {what}", getattr(entry, what))


def check_seq(session_id: SessionId, seq: int) -> None:
    """Raises StoreConflict where `seq` is below 0, StoreError where `session_id` cannot be stored."""
    check_key("the session id", session_id)
    if seq < 0:
        raise StoreConflict(f"{session_id!r}: there is no entry {seq}, they count from 0")


def gap(session_id: SessionId, seq: int, next_seq: int) -> StoreConflict:
    return StoreConflict(f"{session_id!r}: entry {seq} would leave a gap, the next one is {next_seq}")


def differs(session_id: SessionId, seq: int) -> StoreConflict:
    return StoreConflict(
        f"{session_id!r}: entry {seq} holds another message",
        hint="read the transcript and go on from what it holds",
    )


def lease_lost(lease: Lease, current: int) -> StoreError:
    """Superseded where a later attempt holds the lease; StoreConflict where it was never given out."""
    where = f"{lease.session_id!r}, entry {lease.seq}"
    if current > lease.token:
        return Superseded(f"{where}: attempt {current} holds the lease, this is attempt {lease.token}")
    return StoreConflict(f"{where}: attempt {lease.token} is unknown, the last one given out was {current}")


# --- blobs ---------------------------------------------------------------------------------------


def blob_id(content: bytes) -> BlobId:
    """The address of `content`."""
    return BlobId("sha256:" + hashlib.sha256(content).hexdigest())


def check_blob_size(content: bytes) -> None:
    """Raises StoreError over the limit."""
    if len(content) > MAX_BLOB_BYTES:
        raise StoreError(
            f"a blob of {len(content)} bytes is over the limit of {MAX_BLOB_BYTES}",
            hint="store it in pieces, or store less: logs can be cut, checkpoints taken more often",
        )


def check_blob_id(address: BlobId) -> None:
    """Raises BlobMissing where nothing can be stored under `address`."""
    if not _BLOB_ID.fullmatch(address):
        raise BlobMissing(
            f"{address!r} is no blob's address", hint="it is `sha256:` and 64 hexadecimal digits"
        )


# --- events --------------------------------------------------------------------------------------


def canonical_event(event: NewEvent) -> str:
    """The JSON that an event's hash covers: keys sorted, no spaces, the numbers as `_plain` leaves them.

    Raises StoreError where the event cannot be written as JSON.
    """
    if not event.id or not event.type:
        raise StoreError(f"an event needs an id and a type: {event!r}")
    keys = {"id": event.id, "type": event.type, "actor": event.actor, "correlation_id": event.correlation_id}
    document: dict[str, object] = {
        name: check_key(f"the event's {name}", text) for name, text in keys.items()
    }
    document["tags"] = [check_key("the event's tag", tag) for tag in event.tags]
    try:
        document["data"] = _plain(event.data)
        document["metadata"] = _plain(event.metadata)
        return json.dumps(
            document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise StoreError(f"event {event.id!r} ({event.type!r}) cannot be written as JSON: {error}") from error


def _plain(value: object) -> object:
    """`value` as what comes back after jsonb held it, so that the hash can be computed again from the row.

    jsonb has one kind of number (2.0 is 2) and no U+0000.
    """
    match value:
        case None | bool():
            return value
        case str():
            return mend_text(value).replace("\x00", "\ufffd")
        case int():
            return int(value)
        case float():
            return int(value) if value.is_integer() else value
        case Mapping():
            items = cast("Mapping[object, object]", value).items()
            return {_plain_key(key): _plain(item) for key, item in items}
        case list() | tuple():
            return [_plain(item) for item in cast("Sequence[object]", value)]
        case _:
            raise TypeError(f"{type(value).__name__} is no JSON value")


def _plain_key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"the key {key!r} is no string")
    return cast("str", _plain(key))


def event_hash(previous: str, recorded_at: datetime, canonical: str) -> str:
    """The next link of the chain: sha256 over three lines, the previous hash, the time, the canonical JSON.

    The time is UTC with six decimals, `2030-01-31T12:00:00.000000Z`.
    """
    stamp = recorded_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return hashlib.sha256(f"{previous}\n{stamp}\n{canonical}".encode()).hexdigest()


def check_query(query: EventQuery) -> None:
    """Raises StoreError where no event could carry such a type or tag."""
    for text in (*query.types, *query.tags):
        check_key("the type or tag", text)


def condition_failed(condition: AppendCondition, position: int) -> StoreConflict:
    query = condition.fail_if_events_match
    return StoreConflict(
        f"event {position}, after {condition.after}, matches types {query.types!r} and tags {query.tags!r}",
        hint="read the events again and decide anew",
    )
