"""What a plugin's process may see, and the tiers that see to it: pure, but for looking at the disk.

===========  ===========================================  ==================================
tier         how                                          file system
===========  ===========================================  ==================================
bwrap        bubblewrap                                   an allowlist of mounts, no /proc
landlock     our launcher and Landlock                    reading by the same allowlist
none         our launcher alone                           ours; only where it is allowed
===========  ===========================================  ==================================

Nothing can be written but in a small private folder. The network stays open in all: adapters need it. The
allowlist holds Python, the folders that packages are installed in, Tamma's own package, and what the
network's names and certificates need: no home, no configuration, no repository. The memory and the processor
are watched over in `connection`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tamma.confine import base_python, landlock, launcher
from tamma.errors import ConfigError
from tamma.registry import Entry

TierName = Literal["bwrap", "landlock", "none"]
TIERS: tuple[TierName, ...] = ("bwrap", "landlock")
MANIFEST = "tamma-plugin.json"
"""In the plugin's package: `{"read": ["/path", ...]}`, the paths that it needs to read."""

_LIBRARIES = ("/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/nix/store")
_LINKS = ("lib", "lib32", "lib64")
_NETWORK = (
    "/etc/hosts", "/etc/host.conf", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/gai.conf",
    "/etc/services", "/etc/localtime", "/etc/ld.so.cache", "/etc/ssl/certs", "/etc/ssl/openssl.cnf",
    "/etc/pki/tls", "/etc/pki/ca-trust/extracted", "/etc/ca-certificates", "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates", "/usr/share/zoneinfo",
)  # fmt: skip
_DEVICES = ("null", "zero", "random", "urandom")
_INHERITED = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
_TMP_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class View:
    """What the process sees. `readable`: paths on the host, seen under the same names."""

    readable: tuple[str, ...]
    python_path: tuple[str, ...]
    scratch: str
    """A folder of its own. The only one where it can write, unless it gets a private /tmp."""


def view_of(entry: Entry, scratch: str, grants: Sequence[str]) -> View:
    """For the plugin of `entry`, which may read `grants` too. Raises ConfigError where it cannot be found.

    Packages that stand outside of the folders made for packages (in somebody's checkout) are shown alone, by
    links in `scratch`.
    """
    folders = [path for path in sys.path if _is_site(path)]
    links = Path(scratch, "packages")
    links.mkdir()
    packages = [Path(__file__).parents[1], _home_of(entry)]
    loose = [path for path in packages if not any(path.is_relative_to(folder) for folder in folders)]
    for path in loose:
        (links / path.name).symlink_to(path)
    certificates = [os.environ[name] for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)]
    readable = [*_python(), *_LIBRARIES, *_NETWORK, *certificates, *folders, *map(str, loose), *grants]
    return View(
        tuple(dict.fromkeys(path for path in readable if os.path.exists(path))),
        (str(links), *folders),
        scratch,
    )


def needs_of(entry: Entry) -> tuple[str, ...]:
    """The paths that the plugin's manifest asks to read. Raises ConfigError where it is not readable."""
    home = _home_of(entry)
    try:
        manifest = json.loads((home / MANIFEST).read_text(encoding="utf-8"))
        return tuple(_absolute(path) for path in manifest["read"])
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"the plugin {entry.name!r}: its {MANIFEST} cannot be read ({type(error).__name__}: {error})",
            hint='it is JSON like {"read": ["/absolute/path"]}',
        ) from None


def _absolute(path: object) -> str:
    if not isinstance(path, str) or not os.path.isabs(path):
        raise TypeError(f"{path!r} is no absolute path")
    return os.path.normpath(path)


def _home_of(entry: Entry) -> Path:
    """The top-level package (or module) of the plugin, found without running it."""
    top = entry.target.partition(":")[0].partition(".")[0]
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is not None and spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    if spec is not None and spec.origin and os.path.isfile(spec.origin):
        return Path(spec.origin)
    raise ConfigError(
        f"the plugin {entry.name!r} ({entry.target}) of {entry.distribution}: there is no module {top!r}",
        hint=f"reinstall {entry.distribution}",
    )


def _is_site(path: str) -> bool:
    """Whether packages are installed in that folder: then it holds them and nothing else."""
    return os.path.isdir(path) and any(name.endswith(".dist-info") for name in os.listdir(path))


def _python() -> Iterator[str]:
    yield base_python()
    yield from (f"{sys.base_prefix}/lib", f"{sys.base_prefix}/lib64")
    yield from (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))


def environment(view: View, tier: TierName) -> dict[str, str]:
    """The variables: none of ours but those that say how to reach the network."""
    home = "/tmp" if tier == "bwrap" else view.scratch  # noqa: S108  (private to it)
    names = [name for upper in _INHERITED for name in (upper, upper.lower()) if name in os.environ]
    return {
        "HOME": home,
        "TMPDIR": home,
        "LANG": "C.UTF-8",
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": ":".join(view.python_path),
        **{name: os.environ[name] for name in names},
    }


def python(*words: str) -> list[str]:
    """Our interpreter without `site`: the environment says what it can import, and no .pth file is run."""
    return [base_python(), "-P", "-s", "-S", "-B", *words]


def command_line(tier: TierName, view: View, words: Sequence[str]) -> list[str]:
    """`words` confined by `tier`. Its outermost process is never the plugin's, and outlives neither end."""
    if tier == "bwrap":
        return _bwrap(view, words)
    devices = [f"/dev/{name}" for name in _DEVICES]
    rules = {
        "readable": [*view.readable, *(f"/{name}" for name in _LINKS), view.scratch],
        "writable": [view.scratch, *devices],
        "denyTcp": False,
    }
    plan: Mapping[str, object] = {
        "argv": list(words),
        "cwd": view.scratch,
        "mounts": [],
        "dropCapabilities": True,
        "landlock": rules if tier == "landlock" else None,
    }
    return launcher(base_python(), plan)


def _bwrap(view: View, words: Sequence[str]) -> list[str]:
    bwrap = shutil.which("bwrap") or "bwrap"
    line = [bwrap, "--unshare-all", "--share-net", "--die-with-parent", "--new-session", "--as-pid-1"]
    line += ["--cap-drop", "ALL"]
    line += ["--size", str(_TMP_BYTES), "--tmpfs", "/tmp"]  # noqa: S108  (inside)
    for path in sorted((*view.readable, view.python_path[0])):  # a folder comes before what lies in it
        line += ["--ro-bind", os.path.realpath(path), path]
    for name in _LINKS:
        if os.path.islink(f"/{name}"):
            line += ["--symlink", os.readlink(f"/{name}"), f"/{name}"]
        elif os.path.isdir(f"/{name}"):
            line += ["--ro-bind", f"/{name}", f"/{name}"]
    line += ["--dev", "/dev", "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/", "--"]
    return [*line, *words]


def choose(tiers: Sequence[TierName], view: View) -> TierName:
    """The first of `tiers` that runs our interpreter here. Blocks for some 30 ms. Raises ConfigError."""
    tried: list[str] = []
    for tier in tiers:
        why = _works(tier, view)
        if why is None:
            return tier
        tried.append(f"{tier}: {why}")
    raise ConfigError(
        "third-party plugins run in a sandbox, and none works on this machine: " + "; ".join(tried),
        hint="install bubblewrap (apt-get install bubblewrap); or trust this plugin with all that Tamma may"
        ' do: "options": {"sandbox": {"allowNone": true}} in its entry',
    )


def _works(tier: TierName, view: View) -> str | None:
    if tier == "landlock" and landlock.abi() == 0:
        return "this kernel has no Landlock"
    try:
        done = subprocess.run(
            command_line(tier, view, python("-c", "")),
            env=environment(view, tier),
            stdin=subprocess.DEVNULL,  # the launcher takes the end of a pipe for our own
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if done.returncode == 0 else done.stderr.strip()[-300:] or f"exit code {done.returncode}"
