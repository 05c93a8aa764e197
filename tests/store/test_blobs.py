"""Blobs: one contract, every store; and how PostgreSQL holds them."""

from __future__ import annotations

import asyncio
import hashlib
import os

import pytest

from tamma.errors import BlobMissing, StoreError
from tamma.model.ids import BlobId
from tamma.store.codec import MAX_BLOB_BYTES
from tamma.store.postgres import PostgresStore
from tests.store.conftest import AnyStore
from tests.support.postgres import session

CONTENTS = {
    "empty": b"",
    "small": b"\x00\xff",
    "compressible": b"line\n" * 40_000,
    "incompressible": os.urandom(200_000),
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
async def test_content_comes_back_from_its_address(store: AnyStore, content: bytes) -> None:
    address = await store.put_blob(content, "text/plain")
    assert address == "sha256:" + hashlib.sha256(content).hexdigest()
    assert await store.get_blob(address) == content
    assert await store.put_blob(content) == address


async def test_racing_puts_of_the_same_content_all_succeed(store: AnyStore) -> None:
    for content in (b"a" * 10, b"b" * 100_000):
        addresses = await asyncio.gather(*(store.put_blob(content) for _ in range(20)))
        assert len(set(addresses)) == 1
        assert await store.get_blob(addresses[0]) == content


@pytest.mark.parametrize(
    "address", ["sha256:" + "0" * 64, "sha256:0", "", "md5:1", "sha256:" + "G" * 64, "\x00"]
)
async def test_what_is_not_there_is_missing(store: AnyStore, address: str) -> None:
    with pytest.raises(BlobMissing):
        await store.get_blob(BlobId(address))


async def test_a_blob_over_the_limit_is_refused(store: AnyStore) -> None:
    with pytest.raises(StoreError, match="over the limit") as caught:
        await store.put_blob(bytes(MAX_BLOB_BYTES + 1))
    assert caught.value.hint


async def test_a_blob_at_the_limit_is_stored(postgres: PostgresStore) -> None:
    content = os.urandom(1024) * (MAX_BLOB_BYTES // 1024)
    assert await postgres.get_blob(await postgres.put_blob(content)) == content


async def test_only_what_shrinks_is_compressed(postgres: PostgresStore, dsn: str) -> None:
    for content in CONTENTS.values():
        await postgres.put_blob(content)
    async with session(dsn) as connection:
        rows = await connection.fetch("SELECT size, encoding, length(content) AS stored FROM blobs")
    held = {(row["size"], row["encoding"]) for row in rows}
    assert held == {(0, ""), (2, ""), (200_000, "zlib"), (200_000, "")}
    assert min(row["stored"] for row in rows if row["size"] == 200_000) < 2000


@pytest.mark.parametrize(
    "damage",
    [
        "content = '\\x00'",
        "content = substring(content FROM 1 FOR length(content) - 20)",
        "encoding = '', content = 'x'",
        "size = 1",
    ],
)
async def test_damage_is_noticed(postgres: PostgresStore, dsn: str, damage: str) -> None:
    address = await postgres.put_blob(CONTENTS["compressible"])
    async with session(dsn) as connection:
        await connection.execute(f"UPDATE blobs SET {damage}")
    with pytest.raises(StoreError, match="is damaged"):
        await postgres.get_blob(address)
