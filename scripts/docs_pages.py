"""Write the generated blocks of the pages in `docs/`: `python scripts/docs_pages.py [--check]`.

A block stands between `<!-- generated: NAME -->` and `<!-- end -->`; everything else on a page is written by
hand. With `--check` nothing is written, and the exit code is 1 where a page is out of date.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # `scripts` is no installed package

from scripts import docs_cli, docs_code, docs_configuration, docs_costs  # noqa: E402
from tamma.workspace import project_file  # noqa: E402

BLOCKS: Mapping[str, Callable[[], str]] = {
    "commands": docs_cli.reference,
    "keys": docs_configuration.reference,
    "variables": docs_configuration.variables,
    "usual-variables": docs_configuration.usual,
    "project-keys": docs_configuration.project_keys,
    "built-in": docs_code.built_in,
    "protected": docs_code.protected,
    "retries": docs_code.retries,
    "prompts": docs_code.prompts,
    "price-data": docs_costs.data,
    "cost-assumptions": docs_costs.assumptions,
    "list-prices": docs_costs.list_prices,
    "cost-of-a-run": docs_costs.runs,
    "cost-by-step": docs_costs.steps,
    "cost-projections": docs_costs.projections,
    "plans": docs_costs.plans,
}
_BLOCK = re.compile(r"<!-- generated: (?P<name>[\w-]+) -->\n.*?<!-- end -->", re.DOTALL)


SCHEMA = ROOT / "docs/tamma.schema.json"


def schema() -> str:
    """The JSON schema of a repository's `.tamma.json`, as it is published."""
    return json.dumps(project_file.schema(), indent=2, ensure_ascii=False) + "\n"


def pages() -> list[Path]:
    """The pages that have generated blocks."""
    return [page for page in sorted((ROOT / "docs").rglob("*.md")) if _BLOCK.search(page.read_text("utf-8"))]


def renewed(text: str) -> str:
    """A page with its blocks made again. Raises KeyError for a block that nothing makes."""
    return _BLOCK.sub(_made, text)


def _made(match: re.Match[str]) -> str:
    name = match["name"]
    return f"<!-- generated: {name} -->\n{BLOCKS[name]()}\n<!-- end -->"


def main() -> int:
    check = "--check" in sys.argv[1:]
    old = [page for page in pages() if renewed(page.read_text("utf-8")) != page.read_text("utf-8")]
    for page in old:
        if check:
            print(
                f"{page.relative_to(ROOT)} is out of date: run python scripts/docs_pages.py", file=sys.stderr
            )
        else:
            page.write_text(renewed(page.read_text("utf-8")), encoding="utf-8")
            print(f"wrote {page.relative_to(ROOT)}", file=sys.stderr)
    stale = not SCHEMA.exists() or SCHEMA.read_text("utf-8") != schema()
    if stale and check:
        print(f"{SCHEMA.relative_to(ROOT)} is out of date: run python scripts/docs_pages.py", file=sys.stderr)
    elif stale:
        SCHEMA.write_text(schema(), encoding="utf-8")
        print(f"wrote {SCHEMA.relative_to(ROOT)}", file=sys.stderr)
    return 1 if check and (old or stale) else 0


if __name__ == "__main__":
    raise SystemExit(main())
