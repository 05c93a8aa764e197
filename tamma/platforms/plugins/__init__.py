"""Third-party platforms, each run in a process of its own. `tamma.plugins` says where, and in what bounds.

A package declares an entry point in the group `tamma.platforms`, whose name is the `platformType`::

    [project.entry-points."tamma.platforms"]
    house-git = "house_git:PLUGIN"

It names a `PlatformPlugin` (`tamma.platforms.interface`), with `create_platform(settings)`,
`validate_config(settings)` and `detect_from_url(url)`. What `create_platform` returns is a `Platform`, and
its contract is that module's; docs/extending/platforms.md shows one whole.

**Tokens.** `settings.tokens` is always given, and `await settings.tokens.token()` before each request is how
to have the token of now. Where a service refuses it, raise BadCredentials: Tamma then looks for another one
and makes the call again. What renews tokens does not cross.

**Answers** are checked against the protocol's annotations, and hold at most 16 MB. An address to clone from
must be https, http or ssh, and git's keys and certificates are the entry's: what a plugin says of them is
acted upon outside of its sandbox (`policy`). A method that the platform does not have is Unsupported.

Errors of `PlatformError`'s tree and ConfigError arrive as they are, with message, hint, `retry_after`,
`status` and `capability`; others become a PlatformError. A crash is Transient, or ConfigError at the start.

The modules: `built_in` (our own platforms in the same form), `hosted` (plugin and platform as others see
them), `methods` (the protocol as messages), `kind` and `messages` (what `tamma.plugins` is told of
platforms), `policy`, `detection`, `child` (the other end).
"""
