"""Make `.venv` and install Tamma into it from a hash-pinned lock: `python3 scripts/bootstrap.py core|dev`.

Needs Python 3.11+ and nothing else. A stamp named after what was installed makes the second call a no-op.
The syntax is kept old, so that an old Python reaches the message below instead of a SyntaxError.
"""

import hashlib
import os
import subprocess
import sys

OLDEST = (3, 11)
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
LOCKS = {"core": "requirements/core.txt", "dev": "requirements/dev.txt"}


def main() -> None:
    if len(sys.argv) != 2 or sys.argv[1] not in LOCKS:
        raise SystemExit("usage: bootstrap.py " + "|".join(sorted(LOCKS)))
    refusal = complaint(sys.version_info[:2])
    if refusal:
        raise SystemExit(refusal)
    install(sys.argv[1])


def complaint(version: "tuple[int, ...]") -> str:
    """Why this Python cannot run Tamma and what to do, or nothing."""
    if version >= OLDEST:
        return ""
    return (
        "Tamma needs Python %d.%d or newer; %s is %d.%d.\n"
        "Name a newer one, for example: make PYTHON=python3.12 test"
    ) % (OLDEST + (sys.executable,) + version)


def install(kind: str) -> None:
    """Bring `.venv` to what the lock `kind` says. `dev` holds all of `core`."""
    if venv_python_version() != "%d.%d" % sys.version_info[:2]:
        make_venv()
    if any(os.path.exists(stamp_path(each)) for each in ("dev", kind)):
        return
    print("tamma: installing from %s (hashes checked) into .venv" % LOCKS[kind], file=sys.stderr)
    python = os.path.join(VENV, "bin", "python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"]
    run(pip + ["--require-hashes", "-r", os.path.join(ROOT, LOCKS[kind])])
    # The build backend is in the lock as well: without isolation nothing unpinned is fetched.
    run(pip + ["--no-deps", "--no-build-isolation", "--editable", ROOT])
    for name in os.listdir(VENV):
        if name.startswith(".stamp-" + kind):
            os.unlink(os.path.join(VENV, name))
    with open(stamp_path(kind), "w") as stamp:
        stamp.write("")


def venv_python_version() -> str:
    """ "3.11" for the environment that is there, "" when there is none or it is half made."""
    if not os.path.exists(os.path.join(VENV, "bin", "pip")):
        return ""
    try:
        with open(os.path.join(VENV, "pyvenv.cfg")) as config:
            settings = dict(line.replace(" ", "").strip().split("=", 1) for line in config if "=" in line)
    except OSError:
        return ""
    return ".".join(settings.get("version", "").split(".")[:2])


def make_venv() -> None:
    print("tamma: making .venv with Python %d.%d" % sys.version_info[:2], file=sys.stderr)
    made = subprocess.call([sys.executable, "-m", "venv", "--clear", VENV])
    if made != 0:
        raise SystemExit(
            "Python could not make a virtual environment (above is why).\n"
            "On Debian and Ubuntu its module is a package of its own: apt-get install python3-venv"
        )


def stamp_path(kind: str) -> str:
    """Named after the lock and the project's metadata: a change of either installs again."""
    digest = hashlib.sha256()
    for name in (LOCKS[kind], "pyproject.toml"):
        with open(os.path.join(ROOT, name), "rb") as content:
            digest.update(content.read())
    return os.path.join(VENV, ".stamp-%s-%s" % (kind, digest.hexdigest()[:16]))


def run(command: "list[str]") -> None:
    code = subprocess.call(command, cwd=ROOT)
    if code != 0:
        raise SystemExit(code)


if __name__ == "__main__":
    main()
