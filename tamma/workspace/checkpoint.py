"""Checkpoints: the work as incremental git bundles in the blob store, so that it can go on elsewhere.

A checkpoint is a small JSON manifest: the base commit, the branch's head, the newest snapshot, and the blobs
of the bundles that lead there from the base. Each new checkpoint adds one bundle with what is new since the
last. Another host clones the base afresh and unpacks the bundles in order. Ignored files do not travel.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tamma.errors import WorkspaceLost
from tamma.model.ids import BlobId
from tamma.store.interface import BlobStore
from tamma.workspace.git import Git, GitFailed
from tamma.workspace.layout import Layout, write_atomically

MEDIA_TYPE = "application/vnd.tamma.checkpoint+json"
_BUNDLE_TYPE = "application/x-git-bundle"
_HEAD, _SNAPSHOT = "refs/tamma/checkpoint/head", "refs/tamma/checkpoint/snapshot"
_VERSION = 1
_SQUASH_AT = 200
"""So many bundles are replaced by one: a restore reads them one by one."""


@dataclass(frozen=True, slots=True)
class Manifest:
    base_sha: str
    branch: str
    head: str
    snapshot: str
    bundles: tuple[BlobId, ...] = ()
    version: int = _VERSION

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, content: bytes) -> Manifest:
        """Raises WorkspaceLost on anything that is no manifest of this version."""
        try:
            values = json.loads(content)
            values["bundles"] = tuple(BlobId(bundle) for bundle in values["bundles"])
            manifest = cls(**values)
        except (ValueError, TypeError, KeyError) as error:
            raise WorkspaceLost(f"the checkpoint's manifest cannot be read: {error}") from error
        if manifest.version != _VERSION:
            raise WorkspaceLost(f"the checkpoint has version {manifest.version}, this one reads {_VERSION}")
        return manifest


async def base_of(blobs: BlobStore, checkpoint: BlobId) -> str:
    """The commit that the work is on. Raises WorkspaceLost, BlobMissing."""
    return Manifest.from_json(await blobs.get_blob(checkpoint)).base_sha


async def on_branch(blobs: BlobStore, checkpoint: BlobId, branch: str) -> BlobId:
    """The same work on a branch of another name. Raises WorkspaceLost, BlobMissing."""
    manifest = replace(Manifest.from_json(await blobs.get_blob(checkpoint)), branch=branch)
    return await blobs.put_blob(manifest.to_json(), MEDIA_TYPE)


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The checkpoints of one workspace."""

    layout: Layout
    blobs: BlobStore
    base_sha: str
    branch: str

    async def begin(self, head: str, snapshot: str) -> BlobId:
        """The first checkpoint of a workspace that stands on another base than before."""
        self._file.unlink(missing_ok=True)
        return await self.save(head, snapshot)

    async def save(self, head: str, snapshot: str) -> BlobId:
        """Store what is new since the last checkpoint; returns the manifest's address."""
        last = self._last()
        if (last.head, last.snapshot) != (head, snapshot):
            if len(last.bundles) >= _SQUASH_AT:
                last = self._empty()
            bundle = await self._bundle(last, head, snapshot)
            blob = await self.blobs.put_blob(bundle, _BUNDLE_TYPE)
            last = replace(last, head=head, snapshot=snapshot, bundles=(*last.bundles, blob))
            manifest = await self.blobs.put_blob(last.to_json(), MEDIA_TYPE)
            # After the store has it: a crash before this line stores the same bundle again, under its hash.
            write_atomically(self._file, last.to_json())
            return manifest
        return await self.blobs.put_blob(last.to_json(), MEDIA_TYPE)

    async def restore(self, checkpoint: BlobId) -> Manifest:
        """Bring a checkpoint's objects into a fresh clone. Raises WorkspaceLost, BlobMissing."""
        manifest = Manifest.from_json(await self.blobs.get_blob(checkpoint))
        if manifest.base_sha != self.base_sha or manifest.branch != self.branch:
            raise WorkspaceLost(
                f"the checkpoint {checkpoint[:19]!r} belongs to {manifest.branch!r} on"
                f" {manifest.base_sha[:12]}, not to {self.branch!r} on {self.base_sha[:12]}"
            )
        git = Git(self.layout.git, self.layout.tree)
        for blob in manifest.bundles:
            file = self.layout.folder / "incoming.bundle"
            file.write_bytes(await self.blobs.get_blob(blob))
            try:
                await git.run("bundle", "unbundle", str(file))
            except GitFailed as error:
                raise WorkspaceLost(f"the bundle {blob[:19]!r} cannot be unpacked: {error}") from error
            file.unlink()
        write_atomically(self._file, manifest.to_json())
        return manifest

    async def _bundle(self, last: Manifest, head: str, snapshot: str) -> bytes:
        git = Git(self.layout.snap, self.layout.tree)
        await git.run("update-ref", _HEAD, head)
        await git.run("update-ref", _SNAPSHOT, snapshot)
        known = {f"^{last.head}", f"^{last.snapshot}", f"^{self.base_sha}"}
        # A ref that is known already may not be named: a bundle without a new commit is an error.
        fresh = [
            ref
            for ref, sha, old in ((_HEAD, head, last.head), (_SNAPSHOT, snapshot, last.snapshot))
            if sha != old
        ]
        result = await git.run("bundle", "create", "--quiet", "-", *fresh, *sorted(known))
        return result.stdout

    def _last(self) -> Manifest:
        try:
            return Manifest.from_json(self._file.read_bytes())
        except FileNotFoundError:
            return self._empty()

    def _empty(self) -> Manifest:
        return Manifest(self.base_sha, self.branch, self.base_sha, self.base_sha)

    @property
    def _file(self) -> Path:
        return self.layout.folder / "checkpoint.json"
