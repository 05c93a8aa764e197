"""The part of `tamma_plugin` that a client needs. The whole one imports the worker, 70 ms of a submission."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from temporalio.client import ClientConfig, Plugin
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter
from temporalio.service import ConnectConfig, ServiceClient


class ClientPlugin(Plugin):
    """The data converter alone, chosen as `tamma_plugin` chooses it."""

    def name(self) -> str:
        return "tamma"

    def configure_client(self, config: ClientConfig) -> ClientConfig:
        if config.get("data_converter") in (None, DataConverter.default):
            config["data_converter"] = pydantic_data_converter
        return config

    async def connect_service_client(
        self,
        config: ConnectConfig,
        next: Callable[[ConnectConfig], Awaitable[ServiceClient]],  # noqa: A002
    ) -> ServiceClient:
        return await next(config)
