"""The steps of a run, by what they are about. Each class adds steps; `AutonomousDev` walks them."""
