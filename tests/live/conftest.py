"""Live tests run by `make live` alone, which leaves them the network and the keys. The bill comes last."""

from __future__ import annotations

import pytest

BILL = pytest.StashKey[list[str]]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("markexpr") == "live":
        return
    for item in items:
        if item.get_closest_marker("live"):
            item.add_marker(pytest.mark.skip(reason="asks real services: `make live` runs it"))


@pytest.fixture
def bill(request: pytest.FixtureRequest) -> list[str]:
    """Lines for the end of the session: what was asked, and what it cost."""
    return request.config.stash.setdefault(BILL, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = config.stash.get(BILL, None)
    if lines:
        terminalreporter.section("what it cost")
        terminalreporter.write_line("\n".join(lines))
