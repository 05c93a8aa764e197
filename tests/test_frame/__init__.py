"""The frame around the code: packaging, locks, import rules, the repository, and the tests' guards."""
