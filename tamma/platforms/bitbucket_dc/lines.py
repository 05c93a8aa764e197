"""Where a remark is anchored: the server wants to be told what it is that stands on a line. Pure.

Atlassian's documentation of "Add new comment": a line that came or went is ADDED or REMOVED, any other
CONTEXT. `fromHash` and `toHash` are needed as well (BSERV-19336): the pull request's page breaks without.
"""

from __future__ import annotations

from collections.abc import Iterator

from tamma.model.repository import InlineComment
from tamma.platforms.bitbucket_dc.remarks import Diff, FileDiff


def anchor_of(remark: InlineComment, diff: Diff) -> dict[str, object] | None:
    """The anchor of a remark in the diff of its file; None where the change leaves the file alone.

    One line: ranges are not taken by all servers, and `line` is the last one.
    """
    if not diff.diffs:
        return None
    file = diff.diffs[0]
    old = remark.side == "old"
    changed = set(_lines(file, "REMOVED" if old else "ADDED"))
    kind = ("REMOVED" if old else "ADDED") if remark.line in changed else "CONTEXT"
    anchor: dict[str, object] = {
        "diffType": "EFFECTIVE",
        "fileType": "FROM" if old else "TO",
        "fromHash": diff.from_hash,
        "toHash": diff.to_hash,
        "line": remark.line,
        "lineType": kind,
        "path": remark.path,
    }
    return {**anchor, "srcPath": file.source} if file.source not in ("", remark.path) else anchor


def _lines(file: FileDiff, kind: str) -> Iterator[int]:
    for hunk in file.hunks or []:
        for segment in hunk.segments:
            if segment.type == kind:
                yield from (line.source if kind == "REMOVED" else line.destination for line in segment.lines)
