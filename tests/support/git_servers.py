"""The real servers that git repositories live behind: nginx with git-http-backend, and sshd.

Debian's packages nginx-light, fcgiwrap and openssh-server (`.ci/install-peers system`). All they read and
write is in a folder of the test's own, and they listen on loopback.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.certificates import Certificates, make_certificates
from tests.support.peers import absent, free_port

_SBIN = os.pathsep.join(("/usr/sbin", "/usr/local/sbin", os.environ.get("PATH", "")))
_BACKEND = Path("/usr/lib/git-core/git-http-backend")
_STARTUP = 20.0

_NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
{user}
events {{ worker_connections 64; }}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_max_body_size {limit};
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    location / {{
      auth_basic "git";
      auth_basic_user_file {folder}/users;
      fastcgi_pass unix:{folder}/cgi.sock;
      fastcgi_param SCRIPT_FILENAME {backend};
      fastcgi_param GIT_PROJECT_ROOT {root};
      fastcgi_param GIT_HTTP_EXPORT_ALL "";
      fastcgi_param PATH_INFO $uri;
      fastcgi_param QUERY_STRING $query_string;
      fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param CONTENT_TYPE $content_type;
      fastcgi_param CONTENT_LENGTH $content_length;
      fastcgi_param REMOTE_USER $remote_user;
      fastcgi_param REMOTE_ADDR $remote_addr;
      fastcgi_param GIT_PROTOCOL $http_git_protocol;
      fastcgi_param HTTP_CONTENT_ENCODING $http_content_encoding;
      fastcgi_param HOME {folder};
    }}
  }}
}}
"""

_SSHD = """
Port {port}
ListenAddress 127.0.0.1
HostKey {host_key}
PidFile none
AuthorizedKeysFile {keys}
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PubkeyAuthentication yes
PermitRootLogin prohibit-password
AllowUsers {user}
AcceptEnv GIT_PROTOCOL
LogLevel VERBOSE
"""


@dataclass(frozen=True, slots=True)
class HttpsServer:
    """nginx, with Basic authentication."""

    address: str
    certificates: Certificates
    log: Path

    def url(self, name: str) -> str:
        return f"{self.address}/{name}"


@contextmanager
def nginx(root: Path, folder: Path, login: tuple[str, str], *, limit: str = "50m") -> Generator[HttpsServer]:
    """Serve the repositories below `root` over https. `limit` is the longest body of a request."""
    server, wrapper = _program("nginx"), _program("fcgiwrap")
    if not _BACKEND.exists():
        absent(str(_BACKEND))
    folder.mkdir(parents=True)
    certificates = make_certificates(folder / "tls")
    (folder / "users").write_text(f"{login[0]}:{{PLAIN}}{login[1]}\n")
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(
        _NGINX.format(
            folder=folder,
            user="user root;" if os.getuid() == 0 else "",
            limit=limit,
            port=port,
            certificate=certificates.certificate,
            key=certificates.key,
            backend=_BACKEND,
            root=root,
        )
    )
    socket_path = folder / "cgi.sock"
    with ExitStack() as stack:
        stack.enter_context(
            _running(
                (wrapper, "-c", "2", "-s", f"unix:{socket_path}"), folder / "cgi.log", socket_path.exists
            )
        )
        command = (server, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(config))
        stack.enter_context(_running(command, folder / "nginx.log", lambda: _answers(port)))
        yield HttpsServer(f"https://127.0.0.1:{port}", certificates, folder / "access.log")


@dataclass(frozen=True, slots=True)
class SshServer:
    """sshd, which lets one key in."""

    port: int
    key: Path
    known_hosts: Path
    other_key: Path
    """One that the server does not know."""
    log: Path

    def url(self, path: Path) -> str:
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{path}"

    @property
    def name(self) -> str:
        """As known hosts name it."""
        return f"[127.0.0.1]:{self.port}"


@contextmanager
def sshd(folder: Path) -> Generator[SshServer]:
    """An sshd of its own with host and user keys made for it. The folder's name may hold anything."""
    server, keygen = _program("sshd"), _program("ssh-keygen")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where sshd locks itself up before it knows who calls
    folder.mkdir(parents=True)
    host_key, key, other = (make_key(keygen, folder / name) for name in ("host_key", "user_key", "other_key"))
    (folder / "authorized_keys").write_text(public_part(key))
    port = free_port()
    known_hosts = folder / "known_hosts"
    found = SshServer(port, key, known_hosts, other, folder / "sshd.log")
    known_hosts.write_text(f"{found.name} {public_part(host_key)}")
    config = folder / "sshd_config"
    values = {"port": port, "user": getpass.getuser()}
    keys = _quoted(folder / "authorized_keys").replace("%", "%%")
    config.write_text(_SSHD.format(host_key=_quoted(host_key), keys=keys, **values))
    with _running((server, "-D", "-f", str(config), "-E", str(found.log)), found.log, lambda: _answers(port)):
        yield found


def make_key(keygen: str, path: Path, passphrase: str = "") -> Path:
    """A new key of the kind Ed25519."""
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)], check=True)
    return path


def public_part(key: Path) -> str:
    """The line that others get."""
    return Path(f"{key}.pub").read_text()


def _quoted(path: Path) -> str:
    return f'"{path}"'


def _program(name: str) -> str:
    return shutil.which(name, path=_SBIN) or absent(name)


@contextmanager
def _running(command: tuple[str, ...], log: Path, ready: Callable[[], bool]) -> Generator[None]:
    env = {"PATH": os.environ["PATH"], "HOME": str(log.parent), "GIT_CONFIG_NOSYSTEM": "1"}
    with log.open("ab") as output:
        process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + _STARTUP
        while not ready():
            said = log.read_text(errors="replace")[-2000:]
            assert process.poll() is None, f"{command[0]} ended with {process.returncode}: {said}"
            assert time.monotonic() < deadline, f"{command[0]} does not answer: {said}"
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
