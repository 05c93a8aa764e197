"""`tamma finish`: have the agent end its stage with what there is."""

from __future__ import annotations

from tamma.cli.controlling import control

ABOUT = """Have the agent end its stage with what there is.

It has three turns to say what is done. The run goes on from there: tests, gates and the review judge the
change as ever, and where they are red you are asked at once. `tamma pause` and `cancel` stop the run.
"""

command = control("finish", ABOUT)
