"""The parts that a configuration asks for."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import timedelta

from activities.trials import Locate, nowhere
from tamma.config.load import LoadedConfig
from tamma.config.platform_settings import conventions_for_platform, platform_accounts, tracking_for_platform
from tamma.config.resolve import (
    routes,
    settings_for_platform,
    settings_for_provider,
    tool_servers,
    worker_host,
    workspaces_dir,
)
from tamma.model.references import RepoRef
from tamma.pools import Platforms, Providers
from tamma.providers.observed import log_call
from tamma.store.interface import Store
from tamma.worker.parts import Parts


def parts_of(loaded: LoadedConfig, store: Store, stack: AsyncExitStack) -> Parts:
    """The parts that a configuration asks for; `stack` closes what they start."""
    from tamma.workspace.local import LocalWorkspaces
    from tamma.workspace.sandbox.profile import SandboxPolicy
    from tamma.workspace.tools import TOOLS

    run, worker = loaded.config.run, loaded.config.worker
    providers = Providers(lambda name: settings_for_provider(loaded, name), hooks=[log_call])
    platforms = Platforms(
        lambda name: settings_for_platform(loaded, name), lambda name: tracking_for_platform(loaded, name)
    )
    workspaces = LocalWorkspaces(
        workspaces_dir(loaded),
        store,
        sandbox=SandboxPolicy(allow_none=run.sandbox.allow_none),
        protected=run.protected_paths,
        install_hosts=worker.install_hosts,
    )
    stack.push_async_callback(providers.close)
    stack.push_async_callback(platforms.close)
    stack.push_async_callback(workspaces.aclose)
    servers = tool_servers(loaded)
    stack.push_async_callback(servers.close)
    return Parts(
        store=store,
        providers=providers,
        platforms=platforms,
        workspaces=workspaces,
        tools=TOOLS,
        host=worker_host(loaded),
        runs=worker.max_concurrent_tasks + 1,
        max_workspaces=worker.max_workspaces,
        servers=servers,
        routes=routes(loaded),
        model_calls=worker.max_model_calls,
        model_rate=worker.model_calls_per_second,
        conventions=lambda name: conventions_for_platform(loaded, name),
        recommend=loaded.config.agents.optimization_enabled,
        propose=loaded.config.agents.optimization_enabled and loaded.config.agents.ab_testing_enabled,
        locate=locator(loaded),
        revert_window=timedelta(days=loaded.config.quality.revert_window_days),
    )


def locator(loaded: LoadedConfig) -> Locate:
    """Tells on which configured platform an address is, whose credentials then clone it."""
    from tamma.platforms.accounts import match

    known = platform_accounts(loaded)

    def locate(address: str) -> RepoRef:
        found = match(address, known)
        if found is None or found.address.kind != "repository":
            return nowhere(address)
        return RepoRef(found.account.id, found.address.owner, found.address.name)

    return locate
