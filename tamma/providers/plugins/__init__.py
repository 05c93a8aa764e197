"""Third-party providers, each run in a process of its own. `tamma.plugins` says where, and in what bounds.

A package declares an entry point in the group `tamma.providers`, whose name is the `providerType`::

    [project.entry-points."tamma.providers"]
    house-llm = "house_llm:PLUGIN"

It names a `ProviderPlugin` (`tamma.providers.interface`), with `create_provider(settings)` and
`validate_config(settings)`. What `create_provider` returns is a `Provider`, and its contract is that
module's: one `Start`, pieces, one `Finish`; errors of `tamma.errors`, no retries.

Errors of `ProviderError`'s tree and ConfigError arrive as they are, with message, hint and `retry_after`;
others become a ProviderError. A crash is StreamInterrupted, or ConfigError at the start.
`capabilities(model)` is asked when the provider starts, for the entry's default model, and before each call,
for that call's: in between, the last answer counts.

The modules: `built_in` (our own providers in the same form), `hosted` (plugin and provider as others see
them), `kind` and `messages` (what `tamma.plugins` is told of providers), `child` (the other end).
"""
