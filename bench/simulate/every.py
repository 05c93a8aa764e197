"""All gates, in the order in which they are simulated."""

from __future__ import annotations

from bench.simulate import designs, fixed, sequential, watching
from bench.simulate.gates import Gate

GATES: tuple[Gate, ...] = (*fixed.gates(), *sequential.gates(), *watching.gates(), *designs.gates())
