"""Record the histories that tests/replay replays, from real runs of the current code: a minute.

    .venv/bin/python scripts/record_histories.py                in place of all that are there
    .venv/bin/python scripts/record_histories.py NAME           beside them: NAME-killed-run.json
    .venv/bin/python scripts/record_histories.py NAME killed    only that one; NAME may be empty

The first when a workflow changed before it was released. Histories of released workflows stay: such a change
needs `workflow.patched`, and its own histories beside the old ones.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, cast

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "tests" / "replay" / "histories"
FLOWS = "tests/workflows"
RUNS = {
    "tests/crash/test_worker_killed.py::test_while_the_model_streams": "killed",
    "tests/crash/test_worker_replaced.py::test_what_people_say_while_no_worker_lives": "steered",
    f"{FLOWS}/test_experiment_histories.py::test_a_test_and_a_trial": "ab",
    f"{FLOWS}/test_experiment_histories.py::test_a_benchmark": "bench",
    f"{FLOWS}/test_telling_tests.py::test_a_live_test_and_a_canary_look_as_soon_as_a_run_ends": "told",
    f"{FLOWS}/test_comments_in_runs.py::test_a_plan_and_a_merge_are_approved_by_comment": "comments",
    f"{FLOWS}/test_issue_selection.py::test_five_issues_two_at_once_oldest_first_all_done": "selection",
    f"{FLOWS}/test_issue_selection.py::test_ticks_while_a_pass_is_under_way_begin_no_other": "selection",
    f"{FLOWS}/test_performance_analysis.py::test_it_reports_compares_stores_proposes_and_tells": "analysis",
    f"{FLOWS}/test_kept_check.py::test_a_merged_change_is_judged_when_its_window_is_over": "kept",
}
"""Tests, and what their histories are called here."""


def main(beside: str = "", only: str = "") -> int:
    """Run the tests, and take over their histories when all have passed."""
    runs = {test: name for test, name in RUNS.items() if not only or name == only}
    if not runs:
        print(f"there is no {only!r}: {', '.join(RUNS.values())}", file=sys.stderr)
        return 2
    scratch = Path(tempfile.mkdtemp(prefix="tamma-histories-"))
    try:
        # The folder stands in the histories: give it a name that says nothing about this machine.
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "--basetemp", scratch / "runs", *runs],
            cwd=ROOT,
            env={**os.environ, "TAMMA_TEST_HISTORIES": str(scratch)},
            check=False,
        )
        if done.returncode != 0:
            return done.returncode
        stem = "-".join(word for word in (beside, only) if word)
        for old in TARGET.glob(f"{stem}-*.json" if stem else "*.json"):
            old.unlink()
        for test, name in runs.items():
            for file in scratch.glob(f"{test.rpartition('::')[2]}.*.json"):
                words = (beside, name, file.name.split(".")[1])
                kept = TARGET / ("-".join(word for word in words if word) + ".json")
                history = without_traces(json.loads(file.read_text()))
                kept.write_text(json.dumps(history, indent=1) + "\n")
                print(kept.relative_to(ROOT))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return 0


def without_traces(value: Any) -> Any:
    """Stack traces tell where this checkout is, and nothing that a replay looks at."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {name: without_traces(inner) for name, inner in fields.items() if name != "stackTrace"}
    if isinstance(value, list):
        return [without_traces(inner) for inner in cast("list[Any]", value)]
    return value


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
