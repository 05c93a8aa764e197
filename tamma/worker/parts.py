"""What a worker is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from activities.kept import WINDOW
from activities.pools import PlatformPool, ProviderPool
from activities.trials import Locate, nowhere
from tamma.model.conventions import Conventions
from tamma.model.conversation import Tool
from tamma.providers.routing.chain import Routes
from tamma.store.interface import Store
from tamma.toolservers.interface import NO_TOOL_SERVERS, ToolServers
from tamma.workspace.interface import Workspaces


@dataclass(frozen=True, slots=True)
class Parts:
    """Tests and the command line make it from different configurations."""

    store: Store
    providers: ProviderPool
    platforms: PlatformPool
    workspaces: Workspaces
    tools: tuple[Tool, ...]
    host: str
    """Names this host's workspace queue."""
    runs: int = 3
    """Workspace activities at once."""
    max_workspaces: int | None = None
    """Workspaces that this worker holds; None: as many as are asked for."""
    servers: ToolServers = NO_TOOL_SERVERS
    """Whose tools agents may use beside `tools`."""
    routes: Routes = field(default_factory=Routes)
    """Which providers answer which step."""
    model_calls: int = 20
    """Model calls at once."""
    model_rate: float | None = None
    """Model calls a second that Temporal hands out over all workers; None: as many as there are."""
    conventions: Callable[[str], Conventions] = lambda _: Conventions()
    """How pull requests and issues are to look, by the platform's id."""
    locate: Locate = nowhere
    """On which configured platform a trial's repository is."""
    revert_window: timedelta = WINDOW
    """How long after its merge a change is watched for a revert; zero: not at all."""
    recommend: bool = False
    """Whether the analysis of runs may make recommendations for agents."""
    propose: bool = False
    """Whether it may propose tests of them, of agents that allow it."""
