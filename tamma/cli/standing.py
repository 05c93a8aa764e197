"""Where a run stands, told once: by `status`, and by `submit` where nobody could read the issue yet."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tamma.cli import output, shapes, sheet
from tamma.cli.story import Frame
from tamma.temporal import runs
from tamma.temporal.run_errors import WorkerSilent

if TYPE_CHECKING:
    from tamma.cli.linking import Link
    from tamma.temporal.run_index import RunRecord


async def tell(link: Link, record: RunRecord, *, as_json: bool, **more: object) -> None:
    """Print it; less where no worker answers. `more` goes into the JSON. Raises ServerSilent."""
    try:
        view, progress = await runs.look(link.client, record)
    except WorkerSilent as error:
        view = progress = None
        output.note(f"{error}; this is what the server knows")
        if not record.live:
            view = await runs.ended(link.client, record)
    if as_json:
        output.json_document({**shapes.task_json(record, view, link.ui_url, progress), **more})
        return
    end = record.closed_at or datetime.now(UTC)
    url = shapes.workflow_url(link.ui_url, record.workflow_id, record.run_id)
    frame = Frame(view or record.sketch(), progress, (end - record.started_at).total_seconds(), url or "")
    for line in sheet.lines(frame):
        output.data(line)
