"""Benchmark suites: read from files, hashed by content, graded, rehearsed. Nothing here runs an agent."""
