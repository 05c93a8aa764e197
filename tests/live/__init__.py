"""Tests against the real services, with keys of your own: `make live`."""
