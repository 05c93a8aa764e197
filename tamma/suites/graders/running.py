"""How hidden tests are run so that their names can be read from what they print."""

from __future__ import annotations

import re
import shlex

OUTPUT = ".tamma-hidden-tests.log"
"""In the clean copy's tree; removed with it."""
MOST_BYTES = 4_000_000
_PYTEST = re.compile(r"(?:^|\s|/)(?:py\.test|pytest)(?:\s|$)")
_UNITTEST = re.compile(r"\bunittest\b")


def naming(command: str) -> str:
    """`command` with the flag that makes pytest and unittest name every test, where it lacks one."""
    if _PYTEST.search(command):
        return command if re.search(r"\s-r\w*[pA]", command) else f"{command} -rap"
    if _UNITTEST.search(command):
        return command if re.search(r"\s(?:-v|--verbose)\b", command) else f"{command} -v"
    return command


def logged(command: str) -> str:
    """A command that runs `command`, keeps the end of its output in `OUTPUT`, and exits as `command` does.

    A sandbox passes on only the beginning and the end of what is printed, which is too little for many names.
    """
    log = shlex.quote(OUTPUT)
    return (
        f"rm -rf {log} {log}.all; bash -c {shlex.quote(command)} >{log}.all 2>&1; code=$?; "
        f"tail -c {MOST_BYTES} {log}.all >{log}; rm -f {log}.all; tail -c 4000 {log}; exit $code"
    )
