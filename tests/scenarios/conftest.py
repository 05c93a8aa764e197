"""The servers of tests/crash: a Temporal and a PostgreSQL that workers of their own processes use."""

from tests.crash.conftest import postgres_server, postgres_servers, temporal

__all__ = ["postgres_server", "postgres_servers", "temporal"]
