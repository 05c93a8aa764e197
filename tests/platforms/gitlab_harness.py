"""What GitLab's projects are set to beside."""

from __future__ import annotations

from tamma.model.repository import MergeMethod
from tests.platforms.forge_harness import ForgeHarness
from tests.support.forge.faces.gitlab.common import settings


class GitLabHarness(ForgeHarness):
    workflow = None
    """A project has one pipeline."""

    def merges_by(self, method: MergeMethod) -> None:
        """Whether there are merge commits is the project's setting on GitLab."""
        settings(self.hello)["merge_method"] = "ff" if method == "rebase" else "merge"
