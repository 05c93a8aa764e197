"""What a run suggests instead of pushing it: its patch, and the events that say where that is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, cast

from tamma.model.foreign import mend_text
from tamma.model.ids import BlobId

WorkflowType = Literal["autonomous-dev", "manual-assist"]
"""Whether a run delivers its change, or suggests it to a person who decides at every gate."""

PATCH_MADE = "patch.made"
"""A patch was stored; the newest such event of a run says which one counts."""
SUGGESTED = "change.suggested"
"""A person agreed to a patch, and it was handed over."""


class PatchStage(StrEnum):
    """What a patch is of."""

    FAILING_TEST = "failing test"
    CHANGE = "change"
    SUGGESTION = "suggestion"
    """The change after its review: what is handed over."""
    UNFINISHED = "unfinished work"
    """Of a run that ended before its end."""

    @property
    def slug(self) -> str:
        """For command lines: `failing-test`."""
        return self.value.replace(" ", "-")


STAGES_AGREED = (PatchStage.FAILING_TEST, PatchStage.CHANGE, PatchStage.SUGGESTION)
"""Those that a person is asked about, in turn."""


@dataclass(frozen=True, slots=True)
class PatchRef:
    """A change as a file for `git apply`, byte for byte, in the store."""

    blob: BlobId
    base_sha: str
    """The commit that it is made on."""
    stage: PatchStage
    size: int = 0
    """Bytes."""
    files: tuple[str, ...] = ()
    """At most 50 paths."""
    files_total: int = 0
    added: int = 0
    removed: int = 0


def patch_data(patch: PatchRef) -> Mapping[str, object]:
    """A `PATCH_MADE` event's data."""
    return {
        "patch": patch.blob,
        "base": patch.base_sha,
        "stage": patch.stage.value,
        "size": patch.size,
        "files": [mend_text(path) for path in patch.files],
        "filesTotal": patch.files_total,
        "added": patch.added,
        "removed": patch.removed,
    }


def read_patch(data: Mapping[str, object]) -> PatchRef:
    """The inverse of `patch_data`."""
    return PatchRef(
        BlobId(str(data["patch"])),
        str(data["base"]),
        PatchStage(str(data["stage"])),
        _number(data["size"]),
        tuple(str(path) for path in cast("list[object]", data["files"])),
        _number(data["filesTotal"]),
        _number(data["added"]),
        _number(data["removed"]),
    )


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
