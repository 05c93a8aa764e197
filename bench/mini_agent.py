"""mini-swe-agent's side of the comparison; runs in its environment.

`mini_agent.py BASE_URL MODEL FOLDER [forgetful]`: its own agent, model class, bash tool and local
environment, with the prompts it ships, in FOLDER. The trajectory is written after every step, as its command
does, unless it is to be forgetful. Prints one JSON object: how it ended, its model calls, resident memory
(MB) after five steps, at the end and at its peak, and milliseconds of processor time a step, commands
included.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it fetches prices from the network
os.environ |= {"MSWEA_SILENT_STARTUP": "1", "MSWEA_COST_TRACKING": "ignore_errors"}
os.environ["MSWEA_GLOBAL_CONFIG_DIR"] = sys.argv[3]

import minisweagent  # pyright: ignore  # with the rest, in its own environment alone
import yaml  # pyright: ignore
from minisweagent.agents.default import DefaultAgent  # pyright: ignore
from minisweagent.environments.local import LocalEnvironment  # pyright: ignore
from minisweagent.models.litellm_model import LitellmModel  # pyright: ignore

WARM = 5


def resident() -> float:
    """Megabytes (10**6 bytes)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def processor_seconds() -> float:
    """Of this process and of the commands that ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def shipped(url: str, name: str, folder: Path, *, forgetful: bool) -> Any:
    """The agent as its command makes it, but for people who confirm each step."""
    # As its guide for own models says: LiteLLM looks an unknown one up in vain, several times a step.
    registry = folder / "models.json"
    facts = {"litellm_provider": "anthropic", "mode": "chat", "max_input_tokens": 1_000_000}
    prices = dict.fromkeys(("input_cost_per_token", "output_cost_per_token"), 1e-9)
    registry.write_text(json.dumps(dict.fromkeys((name, f"anthropic/{name}"), facts | prices)))
    package = Path(str(minisweagent.package_dir))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    config: dict[str, Any] = yaml.safe_load((package / "config" / "mini.yaml").read_text())
    known = ("system_template", "instance_template", "step_limit", "cost_limit")
    return DefaultAgent(  # pyright: ignore[reportUnknownVariableType]
        LitellmModel(
            model_name=f"anthropic/{name}",
            model_kwargs={"api_base": url, "api_key": "sk-bench-canary", "drop_params": True},
            litellm_model_registry=registry,
            observation_template=config["model"]["observation_template"],
            format_error_template=config["model"]["format_error_template"],
        ),
        LocalEnvironment(cwd=str(folder), env=config["environment"].get("env", {})),
        output_path=None if forgetful else folder / "trajectory.json",
        **{key: config["agent"][key] for key in known if key in config["agent"]},
    )


def main() -> None:
    url, name, folder = sys.argv[1:4]
    agent = shipped(url, name, Path(folder), forgetful=sys.argv[4:] == ["forgetful"])
    warm = {"memory": 0.0, "cpu": 0.0}
    shipped_step = agent.step

    def step() -> object:
        if agent.n_calls == WARM:
            warm.update(memory=resident(), cpu=processor_seconds())
        return shipped_step()

    agent.step = step
    ended = agent.run("Look around.")
    told = {
        "ended": ended.get("exit_status"),
        "calls": agent.n_calls,
        "warm": warm["memory"],
        "end": resident(),
        "cpu": (processor_seconds() - warm["cpu"]) * 1000 / (agent.n_calls - WARM),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
