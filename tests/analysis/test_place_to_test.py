"""Where a recommendation is to be tested."""

from __future__ import annotations

from dataclasses import replace

from tamma.analysis.gathering import place_to_test
from tamma.model.suite import HiddenTests
from tamma.store.memory import MemoryStore
from tamma.suites.content import make_suite
from tamma.suites.rehearsal import rehearsal_suite


async def test_rehearsals_are_no_place_to_test_a_change() -> None:
    store = MemoryStore()
    drill = rehearsal_suite("drill", 40)
    await store.put_suite(drill)
    assert (await place_to_test(store, []))[0] is None
    real = [
        replace(
            task,
            rehearsal=None,
            repository="memory:acme/calc",
            base_commit="a" * 40,
            issue="too small",
            hidden_tests=HiddenTests(command="true"),
        )
        for task in drill.tasks[:7]
    ]
    await store.put_suite(make_suite("own", real))
    await store.put_suite(make_suite("half", [*drill.tasks[7:], *real]))
    place, repo = await place_to_test(store, [])
    assert place is not None
    assert (place.name, place.tasks, repo) == ("own", 7, "*")
