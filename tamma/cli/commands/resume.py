"""`tamma resume`: let a paused run go on."""

from __future__ import annotations

from tamma.cli.controlling import control

ABOUT = "Let a paused run go on, or one that waits its turn; let one that waits out an outage try again now."

command = control("resume", ABOUT)
