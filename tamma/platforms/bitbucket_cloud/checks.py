"""Which verdicts on a commit count. Pure.

Every pipeline reports itself as a build status too, under a key of its own. One that was run again would
leave the failure of the first run standing: of pipelines, the newest for each definition and branch counts.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

from tamma.model.repository import Check, CheckState
from tamma.platforms.bitbucket_cloud.ci_models import PipelineAnswer, StatusAnswer, state_of

KEY_LIMIT = 40
"""Characters of a status's key (support.atlassian.com, "Integrate your build system with Bitbucket")."""
TEXT_LIMIT = 255
"""Characters of its name and description."""
STATES = {
    CheckState.PENDING: "INPROGRESS",
    CheckState.SUCCESS: "SUCCESSFUL",
    CheckState.FAILURE: "FAILED",
}
_WORDS = {"INPROGRESS": CheckState.PENDING, "SUCCESSFUL": CheckState.SUCCESS}
_PIPELINE_URL = re.compile(r"/pipelines/(?:home#!/)?results/\d+")
_PIPELINE_NAME = re.compile(r"Pipeline #(\d+) ")


def key_of(name: str) -> str:
    """The key of a status: the name, or its beginning and a digest where it is too long."""
    if len(name) <= KEY_LIMIT:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name[: KEY_LIMIT - 13]}-{digest}"


def is_of_pipeline(status: StatusAnswer) -> bool:
    """Whether a pipeline reports itself."""
    return bool(_PIPELINE_URL.search(status.url) or _PIPELINE_NAME.match(status.name))


def newest(pipelines: Iterable[PipelineAnswer]) -> list[PipelineAnswer]:
    """Of each definition and branch the last one, oldest first."""
    found: dict[tuple[str, str, str], PipelineAnswer] = {}
    for pipeline in sorted(pipelines, key=lambda each: each.build_number):
        found[pipeline.what] = pipeline
    return list(found.values())


def newest_of_names(statuses: Sequence[StatusAnswer]) -> list[StatusAnswer]:
    """The same by the names under which pipelines report themselves (`Pipeline #4 for main`)."""
    found: dict[str, tuple[int, StatusAnswer]] = {}
    for status in statuses:
        matched = _PIPELINE_NAME.match(status.name)
        name = _PIPELINE_NAME.sub("Pipeline ", status.name) if matched else f"key {status.key}"
        number = int(matched[1]) if matched else 0
        if name not in found or found[name][0] < number:
            found[name] = (number, status)
    return [status for _, status in found.values()]


def check_of_status(status: StatusAnswer) -> Check:
    """STOPPED is a failure: nothing has said that all is well."""
    state = _WORDS.get(status.state, CheckState.FAILURE)
    return Check(status.name or status.key, state, status.url, status.description)


def check_of_pipeline(pipeline: PipelineAnswer, url: str, job_id: str | None) -> Check:
    name = f"Pipeline {pipeline.name}" + (f" for {pipeline.branch}" if pipeline.branch else "")
    detail = pipeline.state.word if pipeline.state else ""
    return Check(name, state_of(pipeline.state), url, detail, job_id)
