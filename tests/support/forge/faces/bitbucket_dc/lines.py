"""The change of one file as Bitbucket's JSON: hunks of segments of lines."""

from __future__ import annotations

import pygit2

from tests.support.forge.repository import Repo
from tests.support.forge.schemas import Json
from tests.support.forge.things import Pull

_KINDS = {"+": "ADDED", "-": "REMOVED", " ": "CONTEXT"}


def diff_json(repo: Repo, pull: Pull, path: str) -> Json:
    """Without context, from where the branches parted."""
    git = repo.git
    base = pull.base_sha if pull.merge_sha else repo.branch(pull.base) or pull.base_sha
    start = str(git.merge_base(base, pull.head_sha) or base)
    diff = git.diff(start, pull.head_sha, context_lines=0)
    assert isinstance(diff, pygit2.Diff)
    found = [_file(patch) for patch in diff if patch is not None and patch.delta.new_file.path == path]
    return {"fromHash": start, "toHash": pull.head_sha, "diffs": found}


def _file(patch: pygit2.Patch) -> Json:
    new = {"toString": patch.delta.new_file.path}
    return {"source": new, "destination": new, "hunks": [_hunk(hunk) for hunk in patch.hunks]}


def _hunk(hunk: pygit2.DiffHunk) -> Json:
    segments: list[Json] = []
    for line in hunk.lines:
        kind = _KINDS.get(line.origin)
        if kind is None:
            continue
        if not segments or segments[-1]["type"] != kind:
            segments.append({"type": kind, "lines": []})
        place = {"source": max(line.old_lineno, 0), "destination": max(line.new_lineno, 0)}
        segments[-1]["lines"].append({**place, "line": line.content.rstrip("\n")})
    return {"sourceLine": hunk.old_start, "destinationLine": hunk.new_start, "segments": segments}
