"""Third-party providers, each run in a process of its own. What an author of one must know:

A package declares an entry point in the group `tamma.providers`, whose name is the `providerType`::

    [project.entry-points."tamma.providers"]
    house-llm = "house_llm:PLUGIN"

It names a `ProviderPlugin` (`tamma.providers.interface`): an object (or a class that is called without
arguments) with `name` (the entry point's), `version`, `create_provider(settings)` and
`validate_config(settings)`. What `create_provider` returns is a `Provider`, and its contract is that
module's: one `Start`, pieces, one `Finish`; errors of `tamma.errors`, no retries.

**Where it runs.** `python -m tamma.providers.plugins.child`, one process for each configured provider,
started when it is first used. `create_provider` and `start` are called there, in an asyncio loop that
serves all calls: whatever blocks the loop blocks them all. `start` may be called anew in another process at
any time.

**What it may use**, all its processes together (`limits`): 30 s to start; 5 minutes for a call, or less
where the request or the entry says so; 256 MB of memory (beyond it MemoryError, or the end of the process);
80 % of one processor (beyond it the processes are paused); 32 processes.

**What it sees.** Python, installed packages, Tamma, certificates and name service, all read-only; a small
private folder for temporary files (`tempfile`); the network. No home, no /proc, no environment but proxies
and certificates, no entry but its own: settings, key included, arrive by `create_provider`. Dependencies
that are installed in editable mode are not found. To read anything else, say so in `tamma-plugin.json`
beside the package's `__init__.py`::

    {"read": ["/etc/house-llm"]}

and have the user grant it: `"options": {"sandbox": {"read": ["/etc/house-llm"]}}` in the provider's entry.
`{"sandbox": {"allowNone": true}}` lets it run where no sandbox works. The plugin is not told of `sandbox`.

**What it says.** Printing goes to the end of the log of a crash, nowhere else. Errors of `ProviderError`'s
tree and ConfigError arrive as they are, with message, hint and `retry_after`; others become a ProviderError
that names the plugin, their traceback in the log. A crash is StreamInterrupted, or ConfigError at the
start, and the next call starts the process again, five times a minute at most.

**Cancelling.** A call that nobody waits for is cancelled as an asyncio task. What still runs 2 s later is
ended, with the process. `capabilities(model)` is asked when the provider starts, for the entry's default
model, and before each call, for that call's: in between, the last answer counts.

The modules: `built_in` (our own providers in the same form), `hosted` (plugin and provider as others see
them), `host` (starting, and errors), `connection` (one process: calls, watch, end), `confinement` (what it
sees), `limits` (what it uses), `messages` and `failures` (what crosses the pipe), `child` (the other end).
"""
