"""Names that look like popular ones, and honest names that are near to them."""

from __future__ import annotations

import pytest

from tamma.workspace.dependencies.compare import FileChange, dependency_changes
from tamma.workspace.dependencies.lookalikes import lookalike
from tamma.workspace.dependencies.popular import POPULAR
from tamma.workspace.dependencies.versions import step


@pytest.mark.parametrize(
    ("registry", "name", "why"),
    [
        ("PyPI", "reqeusts", "`requests`: two letters are swapped"),
        ("PyPI", "requestss", "`requests`: one letter is different"),
        ("PyPI", "equests", "`requests`: one letter is different"),
        ("PyPI", "dateutil-python", "`python-dateutil`: its words are swapped"),
        ("PyPI", "pythondateutil", "`python-dateutil`: they look alike"),
        ("PyPI", "djang0", "`django`: they look alike"),
        ("PyPI", "nurnpy", "`numpy`: they look alike"),
        ("PyPI", "rеquests", "letters that look like others"),
        ("npm", "crossenv", "`cross-env`: they look alike"),
        ("npm", "expres", "`express`: one letter is different"),
        ("npm", "@types/ndoe", "`@types/node`: two letters are swapped"),
        ("Go", "github.com/stretchr/testfiy", "`github.com/stretchr/testify`"),
        ("crates.io", "rustdecimal", ""),
        ("crates.io", "serd_json", "`serde_json`: one letter is different"),
        ("RubyGems", "activesuport", "`activesupport`"),
        ("NuGet", "newtonsoft.jsom", "`newtonsoft.json`"),
        ("Packagist", "guzzlehtpp/guzzle", "`guzzlehttp/guzzle`"),
        ("Maven", "com.google.gauva:guava", "`com.google.guava:guava`"),
        ("Hex", "pheonix", "`phoenix`"),
    ],
)  # fmt: skip
def test_names_that_look_like_others(registry: str, name: str, why: str) -> None:
    assert why in lookalike(registry, name)
    assert bool(lookalike(registry, name)) is bool(why)


@pytest.mark.parametrize(
    ("registry", "name"),
    [
        ("PyPI", "requests"), ("PyPI", "attrs"), ("PyPI", "pyaml"), ("PyPI", "h2"), ("PyPI", "lxml2"),
        ("npm", "preact"), ("npm", "color"), ("npm", "colors"), ("npm", "vue3"), ("npm", "ms"),
        ("npm", "server"),
        ("RubyGems", "Rails"), ("crates.io", "rang"), ("unknown", "reqeusts"),
    ],
)  # fmt: skip
def test_names_that_do_not(registry: str, name: str) -> None:
    assert lookalike(registry, name) == ""


@pytest.mark.parametrize("registry", POPULAR)
def test_no_popular_name_is_taken_for_another(registry: str) -> None:
    assert [name for name in POPULAR[registry] if lookalike(registry, name)] == []
    assert [name for name in POPULAR[registry] if name != name.casefold()] == []


def test_a_name_that_looks_like_another_is_loud_though_the_issue_names_it() -> None:
    change = FileChange("requirements.txt", "", "reqeusts\n")
    (found,) = dependency_changes([change], issue="Use reqeusts.")
    assert found.loud
    assert found.detail == (
        "CAREFUL: `reqeusts` is a new dependency (PyPI), which the issue names: its name is close to that of "
        "`requests`: two letters are swapped"
    )


@pytest.mark.parametrize(
    ("before", "after", "how"),
    [
        ("^1.2", "^2.0", "major"), ("1.2.3", "1.3.0", ""), ("0.3.1", "0.4.0", "major"),
        ("0.3.1", "0.3.9", ""),
        (">=1,<2", ">=1,<3", "major"), ("v1.4.0", "v1.3.9", "back"), ("1.2", "1.2.0", ""), ("", "1.0", ""),
        ("2.0", "", ""), ("1.0", ">=1.0,!=2.1", ""), ("33.0-jre", "33.1-jre", ""), ("2024.1", "2024.2", ""),
        ("latest", "next", ""), ("1." + "9" * 400, "2", "major"),
    ],
)  # fmt: skip
def test_steps_of_versions(before: str, after: str, how: str) -> None:
    assert step([before], [after]) == how
