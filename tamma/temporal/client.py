"""Connecting to a Temporal server, with errors that say what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tamma.errors import ConfigError, StackError

if TYPE_CHECKING:
    from temporalio.client import Client, Plugin
    from temporalio.service import TLSConfig

CONNECT_TIMEOUT = 5.0


async def connect(
    address: str,
    namespace: str,
    *,
    api_key: str | None = None,
    tls: TLSConfig | bool | None = None,
    plugins: Sequence[Plugin] = (),
    identity: str | None = None,
    timeout: float = CONNECT_TIMEOUT,
) -> Client:
    """A connected client. Heavy: it imports the SDK (about 0.25 s).

    `tls`: None means yes exactly where there is an `api_key`. `timeout` in seconds. Raises ConfigError for an
    address, namespace or credentials that are wrong, StackError where no Temporal server answers.
    """
    check_address(address)
    from temporalio.client import Client
    from temporalio.service import RPCError

    try:
        async with asyncio.timeout(timeout):
            client = await Client.connect(
                address, namespace=namespace, api_key=api_key, tls=tls, plugins=plugins, identity=identity
            )
            await _check_namespace(client, namespace)
    except RPCError as error:
        raise _rpc_failure(error, address, namespace) from error
    except TimeoutError as error:
        raise StackError(
            f"the Temporal server at {address!r} did not answer within {timeout:.0f} s",
            hint="is it a Temporal server? `tamma config show --origin` says where the address comes from",
        ) from error
    except RuntimeError as error:  # what the SDK raises for every failed connection
        raise StackError(
            f"no Temporal server at {address!r}: {_reason(error)}",
            hint="check --temporal-address and TEMPORAL_ADDRESS; without them `tamma dev start` starts one",
        ) from error
    return client


def check_address(address: str) -> None:
    """Raises ConfigError where `address` is not HOST:PORT."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdigit() or not 0 < int(port) < 65536 or "/" in host:
        raise ConfigError(
            f"the Temporal address {address!r} is not of the form HOST:PORT",
            hint="for example 127.0.0.1:7233, without http://",
        )


async def _check_namespace(client: Client, namespace: str) -> None:
    """Connecting does not look at the namespace; the first real call would fail, much later."""
    from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest

    await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=namespace))


def _rpc_failure(error: Exception, address: str, namespace: str) -> ConfigError | StackError:
    from temporalio.service import RPCError, RPCStatusCode

    assert isinstance(error, RPCError)
    match error.status:
        case RPCStatusCode.NOT_FOUND:
            return ConfigError(
                f"the Temporal server at {address!r} has no namespace {namespace!r}",
                hint="check temporal.namespace / TAMMA_TEMPORAL_NAMESPACE",
            )
        case RPCStatusCode.UNAUTHENTICATED | RPCStatusCode.PERMISSION_DENIED:
            return ConfigError(
                f"the Temporal server at {address!r} does not accept the credentials for {namespace!r}",
                hint="check temporal.apiKey / TEMPORAL_API_KEY",
            )
        case status:
            return StackError(f"the Temporal server at {address!r} answers {status.name}: {error.message}")


def _reason(error: RuntimeError) -> str:
    """The last, most telling part of the SDK's nested message."""
    text = str(error)
    for known in ("Connection refused", "dns error", "InvalidCertificate", "timed out", "No route to host"):
        if known.lower() in text.lower():
            return known
    return text[:200]
