"""Third-party adapters, each run in a process of its own. What an author of one must know of every kind:

A package declares an entry point, `tamma.providers` or `tamma.platforms`, whose name is the type that
configuration entries name. It is the path of a plugin: an object (or a class that is called without
arguments) with `name` (the entry point's), `version`, and what makes and judges adapters of its kind. See
`tamma.providers.plugins` and `tamma.platforms.plugins` for these.

**Where it runs.** One process for each configured entry, started when it is first used. The adapter is made
and called there, in an asyncio loop that serves all calls: whatever blocks the loop blocks them all. It may
be made anew in another process at any time.

**What it may use**, all its processes together (`limits`): 30 s to start; 5 minutes for a call, or less
where the entry says so; 256 MB of memory (beyond it MemoryError, or the end of the process); 80 % of one
processor (beyond it the processes are paused); 32 processes.

**What it sees.** Python, installed packages, Tamma, certificates and name service, all read-only; a small
private folder for temporary files (`tempfile`), the only place that can be written; the network. No home, no
/proc, no environment but proxies and certificates, no entry but its own: settings, key included, arrive with
the call that makes the adapter. Dependencies that are installed in editable mode are not found. To read
anything else, say so in `tamma-plugin.json` beside the package's `__init__.py`::

    {"read": ["/etc/house-llm"]}

and have the user grant it: `"options": {"sandbox": {"read": ["/etc/house-llm"]}}` in the entry.
`{"sandbox": {"allowNone": true}}` lets it run where no sandbox works. The plugin is not told of `sandbox`.

**What it says.** Printing goes to the end of the log of a crash, nowhere else. Errors of its kind's tree in
`tamma.errors` and ConfigError arrive as they are; others become the tree's base, naming the plugin, their
traceback in the log. After a crash the next call starts the process again, five times a minute at most.

**Cancelling.** A call that nobody waits for is cancelled as an asyncio task. What still runs 2 s later is
ended, with the process.

The modules: `host` (starting, and errors), `process` (kept running for an entry), `connection` (one process:
calls, watch, end), `confinement` (what it sees), `limits` (what it uses), `messages` and `failures` (what
crosses the pipe), `child` (the other end), `kind` (what tells providers from platforms).
"""
