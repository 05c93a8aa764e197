"""The parts of the `ABTest` workflow."""
