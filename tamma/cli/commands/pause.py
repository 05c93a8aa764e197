"""`tamma pause`: stop a run at its next step, keeping everything."""

from __future__ import annotations

from tamma.cli.controlling import control

ABOUT = """Stop a run at its next step, keeping everything.

`tamma resume` lets it go on, days later too.
"""

command = control("pause", ABOUT)
