"""Sandboxes: run a command that a model wrote without giving it the worker's secrets, network or files."""
