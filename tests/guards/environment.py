"""The environment tests run in: nothing of the user's (home, keys, git configuration), nothing outside."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

# Port 9 ("discard") is closed everywhere that matters: a child that wants out fails at once, visibly.
CLOSED_PROXY = "http://127.0.0.1:9"
LOOPBACK = "localhost,127.0.0.1,::1"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")

SECRET = re.compile(r"_(API_KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS|ACCESS_KEY|ACCESS_KEY_ID)$")
STEERING = re.compile(
    r"^(TAMMA|TEMPORAL|PG|GIT|XDG|AWS|AZURE|GOOGLE|CLAUDE|ANTHROPIC|OPENAI|GEMINI|GITHUB|GH|GITLAB|GITEA|FORGEJO|BITBUCKET)[A-Z_]*$"
    r"|^DATABASE_URL$"
)
"""Variables that change what Tamma, git, PostgreSQL or an SDK do. Tests set those they mean."""
KEPT = re.compile(r"^(TAMMA_TEST_[A-Z_]*|GIT_SSL_CAINFO|XDG_RUNTIME_DIR)$")


def unwanted(names: Iterable[str]) -> list[str]:
    """Those of the names of environment variables that no test may inherit."""
    return [name for name in names if not KEPT.match(name) and (SECRET.search(name) or STEERING.match(name))]


def prepare(home: Path) -> None:
    """Point this process and its children to `home`, a short private folder (unix sockets live below it)."""
    for name in unwanted(tuple(os.environ)):
        del os.environ[name]
    for proxy in PROXIES:
        os.environ[proxy] = CLOSED_PROXY
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = LOOPBACK
    _keep_pyenv(Path(os.environ.get("HOME", "/nonexistent")))
    (home / ".gitconfig").write_text("[user]\n\tname = Tess Tester\n\temail = tess@example.com\n")
    os.environ["HOME"] = str(home)
    os.environ["GIT_CONFIG_NOSYSTEM"] = "1"
    os.environ["GIT_TERMINAL_PROMPT"] = "0"
    os.environ["TAMMA_HOME"] = str(home / "tamma")
    if "XDG_RUNTIME_DIR" not in os.environ:
        runtime = home / "run"
        runtime.mkdir(mode=0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)


def _keep_pyenv(old_home: Path) -> None:
    """pyenv's `python3` on PATH is a script that looks for its versions below HOME, which takes longer than
    many a command of the tests: the interpreter itself goes before it."""
    root = old_home / ".pyenv"
    if root.is_dir():
        os.environ.setdefault("PYENV_ROOT", str(root))
        if Path(sys.base_prefix).is_relative_to(root):
            os.environ["PATH"] = f"{sys.base_prefix}/bin{os.pathsep}{os.environ['PATH']}"
