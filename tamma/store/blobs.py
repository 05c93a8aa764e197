"""Blobs in PostgreSQL, compressed where that helps and verified when read."""

from __future__ import annotations

import asyncio
import zlib

from tamma.errors import BlobMissing, StoreError
from tamma.model.ids import BlobId
from tamma.store.codec import blob_id, check_blob_id, check_blob_size, check_key
from tamma.store.database import Database

_TRANSFER_SECONDS = 300.0
_INLINE_BYTES = 64 * 1024
"""Above this, hashing and compressing go to a thread: they would hold up the event loop for milliseconds."""
_LEVEL = 3

_EXISTS = "SELECT EXISTS (SELECT FROM blobs WHERE id = $1) AS there"
_PUT = """
INSERT INTO blobs (id, media_type, size, encoding, content) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (id) DO NOTHING"""
_GET = "SELECT size, encoding, content FROM blobs WHERE id = $1"


class Blobs:
    """Implements `BlobStore`. The limit is 64 MiB a blob."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put_blob(self, content: bytes, media_type: str = "application/octet-stream") -> BlobId:
        check_blob_size(content)
        check_key("the media type", media_type)
        large = len(content) > _INLINE_BYTES
        address = await asyncio.to_thread(blob_id, content) if large else blob_id(content)
        if large and (await self._database.fetchrow(_EXISTS, address))["there"]:
            return address
        encoding, stored = await asyncio.to_thread(_pack, content) if large else _pack(content)
        await self._database.fetch(
            _PUT, address, media_type, len(content), encoding, stored, timeout=_TRANSFER_SECONDS
        )
        return address

    async def get_blob(self, blob_id: BlobId) -> bytes:
        check_blob_id(blob_id)
        rows = await self._database.fetch(_GET, blob_id, timeout=_TRANSFER_SECONDS)
        if not rows:
            raise BlobMissing(f"there is no blob {blob_id!r}")
        size, encoding, stored = rows[0]["size"], rows[0]["encoding"], rows[0]["content"]
        if size > _INLINE_BYTES:
            return await asyncio.to_thread(_unpack, blob_id, size, encoding, stored)
        return _unpack(blob_id, size, encoding, stored)


def _pack(content: bytes) -> tuple[str, bytes]:
    packed = zlib.compress(content, _LEVEL)
    return ("zlib", packed) if len(packed) < len(content) else ("", content)


def _unpack(address: BlobId, size: int, encoding: str, stored: bytes) -> bytes:
    try:
        # The bound: what was tampered with may unfold to anything.
        content = zlib.decompressobj().decompress(stored, size + 1) if encoding == "zlib" else stored
    except zlib.error as error:
        raise StoreError(f"blob {address!r} is damaged: {error}", hint="restore it from a backup") from error
    if blob_id(content) != address:
        raise StoreError(
            f"blob {address!r} is damaged: its content has the address {blob_id(content)!r}",
            hint="restore it from a backup",
        )
    return content
