"""The error tree: what happened, whether trying again helps, and when.

::

    TammaError
    ├── ConfigError             configuration or usage is wrong             never retried, exit 2
    ├── StackError              the embedded servers could not be had       never retried, exit 1
    ├── BadFigures              no statistics can be made of these numbers  never retried
    ├── StoreError
    │   ├── StoreUnavailable    the database does not answer                retried
    │   ├── StoreConflict       something else is stored under that key     never retried
    │   ├── BlobMissing         no content under that address               never retried
    │   └── Superseded          a later attempt holds the fencing token     never retried
    ├── ProviderError           (a model's service)
    │   ├── RateLimited         retried after `retry_after`
    │   ├── Overloaded          retried
    │   ├── ProviderTimeout     retried
    │   ├── ProviderUnreachable retried
    │   ├── StreamInterrupted   retried, the whole call
    │   ├── CircuitOpen         not asked, for it failed too often lately: retried after `retry_after`
    │   ├── QuotaExhausted      never retried: a person or a later day
    │   ├── AuthFailed          never retried, exit 4
    │   ├── ContextOverflow     never retried: compact the conversation
    │   ├── ContentFiltered     never retried
    │   ├── ModelNotFound       never retried: another model
    │   ├── InvalidRequest      never retried
    │   └── BadAnswer           never retried: asked twice already
    ├── PlatformError           (a Git platform)
    │   ├── PlatformRateLimited retried after `retry_after`
    │   ├── Transient           retried
    │   ├── NotFound            never retried
    │   ├── Conflict            never retried: something else stands there
    │   ├── StaleHead           never retried: the ref moved
    │   ├── Forbidden           never retried
    │   ├── BadCredentials      never retried, exit 4
    │   ├── WebhookRefused      never retried: a delivery that is not the platform's
    │   └── Unsupported         never retried: names the capability
    └── WorkspaceError
        ├── WorkspaceLost       this host does not have it: rebuild it from a checkpoint
        ├── WorkspacesFull      never retried by the activity: the run waits for a free one
        ├── SandboxUnavailable  never retried: no tier works and none was waived
        ├── CloneFailed         retried while `retryable`
        ├── PathDenied          an edit or a link leaves the workspace
        └── PolicyRefused       the diff policy refuses the change

Only ``activities/failures.py`` turns these into Temporal failures, and only ``cli`` into exit codes.
"""

from __future__ import annotations

import math
from typing import ClassVar

LONGEST_RETRY_AFTER = 86_400.0
"""Seconds. Longer ones would hold a run for ever, and no timer takes the longest of them."""


class TammaError(Exception):
    """Base of all errors of this project.

    ``str(error)`` says what happened and why. ``hint`` says what to do about it.
    """

    retryable: ClassVar[bool] = False
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.retry_after = _bearable(retry_after)
        """Seconds to wait before the next try, where the other side said so; a day at most."""

    @property
    def may_retry(self) -> bool:
        """Whether doing the same again can help. Instances may know better than their class."""
        return self.retryable


def _bearable(seconds: float | None) -> float | None:
    """A service may say anything: a year, minus one, no number. It is asked again within a day."""
    if seconds is None or math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


class ConfigError(TammaError):
    """The configuration, an environment variable or a command's words are wrong."""

    exit_code = 2


class StackError(TammaError):
    """The embedded servers could not be started or joined."""


class BadFigures(TammaError):
    """A value or a parameter is none that statistics are made of: NaN, a negative cost, a share above 1."""


# --- store ---------------------------------------------------------------------------------------


class StoreError(TammaError):
    """Base of the store's errors."""


class StoreUnavailable(StoreError):
    """The database does not answer."""

    retryable = True


class StoreConflict(StoreError):
    """Something different is already stored under that key, or an append's condition failed."""


class BlobMissing(StoreError):
    """There is no content under that address."""


class Superseded(StoreError):
    """A later attempt holds the fencing token: this one must neither store nor act."""


# --- providers -----------------------------------------------------------------------------------


class ProviderError(TammaError):
    """Base of the errors of a model's service."""

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        retry_after: float | None = None,
        provider: str = "",
        model: str = "",
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint, retry_after=retry_after)
        self.provider = provider
        self.model = model
        self.request_id = request_id


class RateLimited(ProviderError):
    """Too many requests; ``retry_after`` says when to come back, if the service said it."""

    retryable = True


class QuotaExhausted(ProviderError):
    """The account's money or allowance is used up. Waiting a few seconds does not help."""


class Overloaded(ProviderError):
    """The service is overloaded or failing."""

    retryable = True


class ProviderTimeout(ProviderError):
    """No answer in time."""

    retryable = True


class ProviderUnreachable(ProviderError):
    """No connection to the service: wrong address, no network, refused."""

    retryable = True


class CircuitOpen(ProviderError):
    """The service failed again and again lately: it is not asked before ``retry_after`` has passed."""

    retryable = True


class StreamInterrupted(ProviderError):
    """The stream ended without its terminal event: a partial answer is no answer."""

    retryable = True


class AuthFailed(ProviderError):
    """The key is missing, wrong, or not allowed to use the model."""

    exit_code = 4


class ContextOverflow(ProviderError):
    """The conversation does not fit the model's window."""


class ContentFiltered(ProviderError):
    """The service refused the content."""


class ModelNotFound(ProviderError):
    """The service does not have that model."""


class InvalidRequest(ProviderError):
    """The service refused the request's form."""


class BadAnswer(ProviderError):
    """The model's answer does not have the asked-for form, or was cut off before it had."""


# --- platforms -----------------------------------------------------------------------------------


class PlatformError(TammaError):
    """Base of the errors of a Git platform."""

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        retry_after: float | None = None,
        platform: str = "",
        status: int | None = None,
    ) -> None:
        super().__init__(message, hint=hint, retry_after=retry_after)
        self.platform = platform
        self.status = status


class NotFound(PlatformError):
    """No such repository, issue, branch or pull request, or the credentials cannot see it."""


class Conflict(PlatformError):
    """Something else stands where this should be written."""


class StaleHead(PlatformError):
    """The ref moved since it was read."""


class Forbidden(PlatformError):
    """The credentials are valid but lack a permission."""


class BadCredentials(PlatformError):
    """The credentials are missing or not accepted."""

    exit_code = 4


class PlatformRateLimited(PlatformError):
    """A primary or secondary rate limit; ``retry_after`` in seconds where known."""

    retryable = True


class Transient(PlatformError):
    """A failure of the network or the platform that may pass."""

    retryable = True


class WebhookRefused(PlatformError):
    """A webhook's signature is missing or wrong, or its body is none of the platform's form."""


class Unsupported(PlatformError):
    """The platform, its version or the adapter lacks a capability."""

    def __init__(self, capability: str, *, platform: str = "", hint: str | None = None) -> None:
        super().__init__(f"{platform or 'this platform'} has no {capability!r}", platform=platform, hint=hint)
        self.capability = capability


# --- workspace -----------------------------------------------------------------------------------


class WorkspaceError(TammaError):
    """Base of the errors of a workspace on a worker's disk."""


class WorkspaceLost(WorkspaceError):
    """This host does not have the workspace (any more): rebuild it from the last checkpoint."""


class WorkspacesFull(WorkspaceError):
    """This worker holds as many workspaces as it may: the run waits, durably."""


class SandboxUnavailable(WorkspaceError):
    """No sandbox tier works here and running without one was not allowed."""


class CloneFailed(WorkspaceError):
    """The repository could not be cloned or fetched."""

    def __init__(self, message: str, *, hint: str | None = None, transient: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.transient = transient

    @property
    def may_retry(self) -> bool:
        return self.transient


class PathDenied(WorkspaceError):
    """A path leaves the workspace or names something that may not be touched."""


class PolicyRefused(WorkspaceError):
    """The diff policy refuses to publish the change; ``reasons`` lists why."""

    def __init__(self, reasons: tuple[str, ...], *, hint: str | None = None) -> None:
        super().__init__("the change may not be published: " + "; ".join(reasons), hint=hint)
        self.reasons = reasons
