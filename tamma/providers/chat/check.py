"""A dry run of a credential, for services that cannot list their models or list them to anybody."""

from __future__ import annotations

from tamma.errors import ProviderError
from tamma.model.conversation import ProviderCheck, Request, user
from tamma.providers.interface import Provider, complete

CHECK_TIMEOUT = 30.0
"""Seconds."""
BRIEF_TOKENS = 16
"""The least that all services take."""


async def ask_briefly(provider: Provider, model: str, where: str) -> ProviderCheck:
    """Have `model` say a few tokens, which proves key, balance and model at next to no cost.

    `where` names the service. Raises ProviderError.
    """
    question = Request(
        model, (user("Say ok."),), max_output_tokens=BRIEF_TOKENS, cache=False, timeout=CHECK_TIMEOUT
    )
    served = (await complete(provider, question)).finish.served_model
    return ProviderCheck(True, f"{where} answers with model {served!r}", (served,))


def failed_check(error: ProviderError) -> ProviderCheck:
    return ProviderCheck(False, f"{error}. {error.hint}" if error.hint else str(error))
