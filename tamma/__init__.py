"""Tamma takes an issue and brings home a merged, tested change."""

__version__ = "0.1.0"
