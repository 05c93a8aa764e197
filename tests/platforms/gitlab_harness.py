"""What GitLab's projects are set to beside."""

from __future__ import annotations

import json
import re

from tamma.model.repository import MergeMethod
from tests.platforms.forge_harness import ForgeHarness
from tests.support.forge.faces.gitlab.common import settings
from tests.support.forge.server import ApiServer


class GitLabHarness(ForgeHarness):
    def __init__(self, name: str, server: ApiServer, adapter: str) -> None:
        super().__init__(name, server, adapter)
        self.workflow = None
        """A project has one pipeline."""

    def fingerprint(self) -> object:
        """Our reviews name the commit in their text: its id, which holds the time, is left out."""
        return json.loads(re.sub(r"sha=[0-9a-f]{40}", "sha=", json.dumps(super().fingerprint())))

    def merges_by(self, method: MergeMethod) -> None:
        """Whether there are merge commits is the project's setting on GitLab."""
        settings(self.hello)["merge_method"] = "ff" if method == "rebase" else "merge"
