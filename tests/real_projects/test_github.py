"""A real project on GitHub: the clone comes from elsewhere, the change goes home by the API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from temporalio.client import Client

from tamma.model.task import TaskStatus
from tests.real_projects.bugs import CACHETOOLS as BUG
from tests.real_projects.forges import Forge, InProcess
from tests.real_projects.running import KEY, PROVIDER, Run, working
from tests.support.anthropic_server import AnthropicServer
from tests.support.sdists import git, prove

pytestmark = [pytest.mark.peers, pytest.mark.timeout(600)]  # it installs, clones and runs whole projects

_REPO = "/repos/{owner}/{repo}"
_ONCE = (
    f"POST {_REPO}/git/refs",
    f"POST {_REPO}/git/commits",
    f"POST {_REPO}/pulls",
    f"PUT {_REPO}/pulls/{{pull_number}}/merge",
    f"POST {_REPO}/issues/{{issue_number}}/comments",
)


async def test_an_issue_is_solved_by_a_merged_pull_request(
    forge: Forge, client: Client, tmp_path: Path
) -> None:
    before = forge.main()
    passes, said = prove(BUG.proof, forge.bare, before, tmp_path)
    assert not passes
    assert BUG.symptom in said
    number = forge.open_issue(BUG.title, BUG.body)

    with AnthropicServer(BUG.plan, [*BUG.red, *BUG.fix], BUG.review) as model:
        async with working(client, tmp_path, model.url, forge.account) as worker:
            run = await worker.solve(forge.repo, number, BUG)
    assert model.violations == []

    assert run.result.status is TaskStatus.COMPLETED, run.seen
    merged = forge.fetch_main(BUG.changed)
    passes, said = prove(BUG.proof, forge.bare, merged, tmp_path)
    assert passes, said
    assert git(forge.bare, "diff", "--name-only", before, merged).split() == list(BUG.changed)
    left = _what_is_left(forge, number, run)
    secrets = (KEY, forge.token)
    everything = json.dumps(left) + await run.said()
    assert not [secret for secret in secrets if secret in everything]
    if isinstance(forge, InProcess):
        assert {name: forge.server.effects[name] for name in _ONCE} == dict.fromkeys(_ONCE, 1)


def _what_is_left(forge: Forge, number: str, run: Run) -> object:
    """What a reader of the forge finds, after it was found to be as it should."""
    pulls = forge.call("GET", "/pulls?state=all")
    (pull,) = pulls
    assert pull["merged_at"]
    assert pull["head"]["ref"] == run.result.branch == "tamma/1-keyerror-from-popitem-when-missing-does"
    assert pull["title"] == BUG.title
    _reads_well(pull["body"], number, run)
    assert not forge.exists(f"/git/ref/heads/{run.result.branch}")
    issue = forge.call("GET", f"/issues/{number}")
    assert issue["state"] == "closed"
    comments = forge.call("GET", f"/issues/{number}/comments")
    (comment,) = comments
    assert f"/pull/{pull['number']}" in comment["body"]
    commit = forge.call("GET", f"/git/commits/{forge.main()}")
    assert commit["message"].startswith(BUG.title[:40])
    return [pulls, issue, comments, commit]


def _reads_well(body: str, number: str, run: Run) -> None:
    """Plan, tests, sandbox and cost are in the pull request's text."""
    facts: Mapping[str, str] = {
        "what": "noted the use of a key",
        "issue": f"Closes #{number}",
        "red test": "`python -m pytest -q tests/test_not_stored.py` failed before the change",
        "tests": "`python -m pytest -q`: passes",
        "sandbox": f"sandbox: {run.seen.sandbox_tier}",
        "plan": "note the use only of keys that are in the cache",
        "review": "Small, the same in all three caches",
        "cost": f"{run.result.spend.turns} model calls, {run.result.spend.cost_usd:.4f} USD",
        "model": PROVIDER,
    }
    assert [name for name, fact in facts.items() if fact not in body] == [], body
    assert run.result.spend.cost_usd > 0
