"""Draw `docs/images/demo.svg` from a real run: `python scripts/docs_picture.py [RECORDING]`.

`tamma demo` runs in a pseudo-terminal, and what it sends there is drawn; added are the prompt and a `…` for
each part that is left out. With RECORDING, a file of such bytes is drawn instead. The picture has its own
background and no outside font, so that it looks alike on light and dark pages.
"""

from __future__ import annotations

import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
from fcntl import ioctl
from io import StringIO
from pathlib import Path
from termios import TIOCSWINSZ

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "images" / "demo.svg"
COLUMNS, ROWS = 96, 60
SHOWN = (("== Before ==", "== Merged into"), ("== After ==", "== And now =="))
"""The parts of the run that are drawn, from one line to before another: the diff between them is long."""
_SEQUENCE = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|\r\n|\r|\n")


def record() -> bytes:
    """What `tamma demo` writes to a terminal, byte for byte."""
    leader, follower = pty.openpty()
    ioctl(follower, TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "ANTHROPIC_API_KEY")}
    env = {**kept, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(ROWS)}
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        tamma = Path(sys.executable).with_name("tamma")
        command = [str(tamma), "demo", "--provider", "scripted", "--dir", folder]
        process = subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, env=env)
        os.close(follower)
        seen = _read_all(leader)
        if process.wait() != 0:
            raise SystemExit("the demo failed; what it said:\n" + seen.decode(errors="replace")[-3000:])
    return seen


def _read_all(leader: int) -> bytes:
    chunks: list[bytes] = []
    while True:
        try:
            chunk = os.read(leader, 65536)
        except OSError:  # how Linux says that the other side has been closed
            chunk = b""
        if not chunk:
            os.close(leader)
            return b"".join(chunks)
        chunks.append(chunk)


def screen(recorded: str) -> list[str]:
    """The lines that stand on the terminal at the end, their colours kept.

    Knows what a redrawn display needs: line ends, erasing a line, going up. Whole lines are redrawn, so
    columns need not be counted.
    """
    lines, row, position = [""], 0, 0
    for match in _SEQUENCE.finditer(recorded):
        lines[row] += recorded[position : match.start()]
        position = match.end()
        text, code = match[0], match[2]
        if "\n" in text:
            row += 1
            if row == len(lines):
                lines.append("")
        elif code == "m":
            lines[row] += text
        elif code == "A":
            row = max(0, row - int(match[1] or 1))
        elif code == "K":
            lines[row] = ""
    lines[row] += recorded[position:]
    return lines


def parts(lines: list[str]) -> list[Text]:
    """The lines to draw."""
    drawn = [Text.from_ansi(line) for line in lines]
    chosen = [Text.assemble(("$ ", "bold green"), "tamma demo")]
    for first, after in SHOWN:
        start = next(i for i, line in enumerate(drawn) if line.plain.startswith(first))
        end = next(i for i, line in enumerate(drawn) if i > start and line.plain.startswith(after))
        chosen += [Text("…", style="bright_black"), *drawn[start:end]]
        while not chosen[-1].plain.strip():
            chosen.pop()
    return chosen


_FORMAT = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"
 aria-label="A terminal: tamma demo takes an issue from a failing test to a merged change">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono",
 monospace; font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-family: ui-sans-serif, system-ui, sans-serif; font-size: 18px; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/>
</clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""


def draw(lines: list[Text]) -> str:
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True, highlight=False)
    for line in lines:
        console.print(line, no_wrap=True, overflow="crop")
    return console.export_svg(title="tamma demo", theme=MONOKAI, code_format=_FORMAT, unique_id="demo")


def main() -> None:
    recorded = Path(sys.argv[1]).read_bytes() if len(sys.argv) > 1 else record()
    if len(sys.argv) == 1:
        recording = Path(tempfile.gettempdir()) / "tamma-demo.ansi"
        recording.write_bytes(recorded)
        print(f"recorded {recording}", file=sys.stderr)
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(draw(parts(screen(recorded.decode()))), encoding="utf-8")
    print(PICTURE, file=sys.stderr)


if __name__ == "__main__":
    main()
