"""The part of `tamma_plugin` that a client needs. The whole one imports the worker, and pydantic."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from temporalio.client import ClientConfig, Plugin
from temporalio.converter import DataConverter
from temporalio.service import ConnectConfig, ServiceClient

from tamma.temporal.payloads import client_data_converter


class ClientPlugin(Plugin):
    """A data converter alone, whose payloads are those of `tamma_plugin`; a given one goes before."""

    def name(self) -> str:
        return "tamma"

    def configure_client(self, config: ClientConfig) -> ClientConfig:
        if config.get("data_converter") in (None, DataConverter.default):
            config["data_converter"] = client_data_converter
        return config

    async def connect_service_client(
        self,
        config: ConnectConfig,
        next: Callable[[ConnectConfig], Awaitable[ServiceClient]],  # noqa: A002
    ) -> ServiceClient:
        return await next(config)
