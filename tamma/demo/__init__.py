"""The demo's repository, issue and script: a small library with a real bug. Standard library only."""
