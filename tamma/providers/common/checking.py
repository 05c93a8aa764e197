"""A dry run of a credential: by the list of models, or by a few tokens where that cannot be had."""

from __future__ import annotations

from tamma.errors import ProviderError, TammaError
from tamma.model.conversation import ProviderCheck, Request, user
from tamma.providers.common.calls import ASIDE_TIMEOUT
from tamma.providers.interface import Provider, complete

BRIEF_TOKENS = 16
"""The least that all services take."""


async def check_by_models(provider: Provider, where: str) -> ProviderCheck:
    """List the models: needs a valid key and costs nothing. `where` names the service."""
    try:
        found = await provider.models()
    except ProviderError as error:
        return failed_check(error)
    names = tuple(model.id for model in found)
    return ProviderCheck(True, f"{where} answers with {len(names)} models", names)


async def ask_briefly(provider: Provider, model: str, where: str) -> ProviderCheck:
    """Have `model` say a few tokens, which proves key, balance and model at next to no cost.

    `where` names the service. Raises ProviderError.
    """
    question = Request(
        model, (user("Say ok."),), max_output_tokens=BRIEF_TOKENS, cache=False, timeout=ASIDE_TIMEOUT
    )
    served = (await complete(provider, question)).finish.served_model
    return ProviderCheck(True, f"{where} answers with model {served!r}", (served,))


def failed_check(error: TammaError) -> ProviderCheck:
    """What an error means to whoever wanted to know whether it works."""
    return ProviderCheck(False, str(error), hint=error.hint, exit_code=error.exit_code)
