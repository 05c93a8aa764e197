"""Limits of spending, for people."""
