"""Fetch the real projects that tests/real_projects work on, pinned by hash, into .peers (which Git ignores).

`python scripts/fetch_sdists.py` asks pip for what `.ci/peers/sdists.txt` and `.ci/peers/wheels.txt` pin and
is not there yet; exits 1 when something could not be had. pip builds the metadata of a source distribution,
so code of these releases runs here: their hashes say which.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[\w.]+) --hash=sha256:(?P<sha256>[0-9a-f]{64})$")


@dataclass(frozen=True, slots=True)
class Pin:
    """One file of one release."""

    name: str
    version: str
    sha256: str

    @property
    def line(self) -> str:
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"


def read_pins(path: Path) -> Iterator[Pin]:
    """The pins of a file. Raises ValueError for a line that is neither a pin nor a comment."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        found = PIN.match(line)
        if found is None:
            raise ValueError(f"{path}: this line is no pin with one hash: {line!r}")
        yield Pin(**found.groupdict())


def digests(folder: Path) -> set[str]:
    """The SHA-256 of every file in a folder."""
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.is_file()}


def fetch(pin: Pin, folder: Path, form: str) -> bool:
    """Have pip download one file; pip checks its hash. Whether it came."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirement:
        requirement.write(pin.line + "\n")
        requirement.flush()
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        what = ["--no-deps", form, ":all:", "--dest", str(folder), "--requirement", requirement.name]
        return subprocess.run([*pip, *what], check=False).returncode == 0


def main() -> int:
    """Fetch what is missing; the exit code."""
    failed: list[str] = []
    for kind, form in (("sdists", "--no-binary"), ("wheels", "--only-binary")):
        folder = ROOT / ".peers" / kind
        folder.mkdir(parents=True, exist_ok=True)
        have = digests(folder)
        missing = [pin for pin in read_pins(ROOT / ".ci/peers" / f"{kind}.txt") if pin.sha256 not in have]
        failed += [f"{pin.name} {pin.version}" for pin in missing if not fetch(pin, folder, form)]
    if failed:
        print(f"could not fetch {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
