"""Lock files: what they bring in beside the packages that somebody named, and from where."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from tamma.workspace.dependencies.compare import FileChange, dependency_changes
from tamma.workspace.dependencies.files import reader_of
from tamma.workspace.dependencies.reading import Need

RESOLVED = "resolved"
NPM, PYPI = ".".join(("registry", "npmjs", "org")), ".".join(("pypi", "org"))
NPM_LOCK = {
    "lockfileVersion": 3,
    "packages": {
        "": {"name": "x", "dependencies": {"got": "^14"}},
        "node_modules/got": {
            "version": "14.0.0",
            RESOLVED: f"https://{NPM}/got/-/got-14.0.0.tgz",
        },
        "node_modules/got/node_modules/@sindresorhus/is": {
            "version": "6.1.0",
            RESOLVED: "https://evil.example.org/is.tgz",
            "hasInstallScript": True,
        },
        "packages/core": {"version": "1.0.0"},
        "node_modules/core": {RESOLVED: "packages/core", "link": True},
    },
}

LOCKS: Mapping[str, tuple[str, tuple[Need, ...]]] = {
    "package-lock.json": (
        json.dumps(NPM_LOCK),
        (
            Need("npm", "got", "14.0.0"),
            Need("npm", "@sindresorhus/is", "6.1.0", "https://evil.example.org", scripts=True),
        ),
    ),
    "npm-shrinkwrap.json": (
        json.dumps(
            {"dependencies": {"a": {"version": "1.0.0", "dependencies": {"b": {"version": "2.0.0"}}}}}
        ),
        (Need("npm", "a", "1.0.0"), Need("npm", "b", "2.0.0")),
    ),
    "yarn.lock": (
        (
            '# yarn lockfile v1\n\n\n"@babel/core@^7.0.0", "@babel/core@^7.1.0":\n  version "7.2.0"\n'
            '  resolved "https://registry.yarnpkg.com/@babel/core/-/core-7.2.0.tgz#abc"\n  dependencies:\n'
            '    debug "^4.1.0"\n\ndebug@^4.1.0:\n  version "4.1.1"\n'
            '  resolved "https://codeload.example.org/debug"\n\n'
            '"own@workspace:.":\n  version: 0.0.0-use.local\n\n"zod@npm:^3":\n  version: 3.22.0\n'
            '  resolution: "zod@npm:3.22.0"\n'
        ),
        (
            Need("npm", "@babel/core", "7.2.0"),
            Need("npm", "debug", "4.1.1", "https://codeload.example.org"),
            Need("npm", "zod", "3.22.0"),
        ),
    ),
    "pnpm-lock.yaml": (
        (
            "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      zod:\n"
            "        specifier: ^3\n"
            "\n"
            "packages:\n\n  '@types/node@20.1.0':\n    resolution: {integrity: sha512-x}\n\n"
            "  esbuild@0.20.0:\n"
            "    resolution: {integrity: sha512-x, tarball: https://example.org/esbuild.tgz}\n"
            "    requiresBuild: true\n\nsnapshots:\n\n  zod@3.0.0: {}\n"
        ),
        (
            Need("npm", "@types/node", "20.1.0"),
            Need("npm", "esbuild", "0.20.0", "https://example.org", scripts=True),
        ),
    ),
    "bun.lock": (
        (
            '{\n  "lockfileVersion": 1,\n  "packages": {\n    "zod": ["zod@3.22.0", "", {}, "sha512-x"],\n'
            '    "own": ["own@workspace:packages/own"],\n    "b": ["b@github:me/b#1", {}],\n  }\n}\n'
        ),
        (Need("npm", "zod", "3.22.0"), Need("npm", "b", "", "github:me/b#1")),
    ),
    "poetry.lock": (
        (
            '[[package]]\nname = "Idna"\nversion = "3.7"\n\n[[package]]\nname = "a"\nversion = "1"\n'
            '[package.source]\ntype = "git"\nurl = "https://example.org/a.git"\n'
        ),
        (Need("PyPI", "idna", "3.7"), Need("PyPI", "a", "1", "https://example.org/a.git")),
    ),
    "uv.lock": (
        (
            'version = 1\n[[package]]\nname = "x"\nversion = "0.1"\nsource = { editable = "." }\n'
            '[[package]]\nname = "idna"\nversion = "3.7"\nsource = { registry = "https://PYPI/simple" }\n'
            '[[package]]\nname = "b"\nversion = "1"\n'
            'source = { registry = "https://mirror.example.org/simple" }\n'
        ),
        (Need("PyPI", "idna", "3.7"), Need("PyPI", "b", "1", "https://mirror.example.org")),
    ),
    "pylock.toml": (
        '[[packages]]\nname = "idna"\nversion = "3.7"\nindex = "https://PYPI/simple/"\n',
        (Need("PyPI", "idna", "3.7"),),
    ),
    "Pipfile.lock": (
        json.dumps({"default": {"idna": {"version": "==3.7"}}, "develop": {"a": {"git": "https://e.org/a"}}}),
        (Need("PyPI", "idna", "3.7"), Need("PyPI", "a", "", "https://e.org/a")),
    ),
    "Cargo.lock": (
        (
            '[[package]]\nname = "own"\nversion = "0.1.0"\n\n[[package]]\nname = "libc"\n'
            'version = "0.2.150"\n'
            'source = "registry+https://github.com/rust-lang/crates.io-index"\n\n[[package]]\nname = "nix"\n'
            'version = "0.1.0"\nsource = "git+https://example.org/nix#abc"\n'
        ),
        (
            Need("crates.io", "libc", "0.2.150"),
            Need("crates.io", "nix", "0.1.0", "git+https://example.org/nix"),
        ),
    ),
    "Gemfile.lock": (
        (
            "GIT\n  remote: https://example.org/a.git\n  revision: abc\n  specs:\n    a (1.0)\n\n"
            "PATH\n  remote: .\n"
            "  specs:\n    own (0.1)\n\nGEM\n  remote: https://rubygems.org/\n  specs:\n    rails (7.1.0)\n"
            "      rack (>= 2)\n\nDEPENDENCIES\n  rails (~> 7)\n"
        ),
        (Need("RubyGems", "a", "1.0", "https://example.org/a.git"), Need("RubyGems", "rails", "7.1.0")),
    ),
    "composer.lock": (
        json.dumps({"packages": [{"name": "psr/log", "version": "3.0.0"}], "packages-dev": []}),
        (Need("Packagist", "psr/log", "3.0.0"),),
    ),
    "mix.lock": (
        (
            '%{\n  "jason": {:hex, :jason, "1.4.1", "abc", [:mix], [], "hexpm", "def"},\n'
            '  "mine": {:git, "https://example.org/mine", "abc", []},\n}\n'
        ),
        (Need("Hex", "jason", "1.4.1"), Need("Hex", "mine", "", "https://example.org/mine")),
    ),
    "packages.lock.json": (
        json.dumps(
            {
                "dependencies": {
                    "net8.0": {"Dapper": {"type": "Direct", RESOLVED: "2.1.0"}, "own": {"type": "Project"}}
                }
            }
        ),
        (Need("NuGet", "dapper", "2.1.0"),),
    ),
    "gradle.lockfile": (
        "# comment\ncom.google.guava:guava:33.0=compileClasspath\nempty=annotationProcessor\n",
        (Need("Maven", "com.google.guava:guava", "33.0"),),
    ),
}


@pytest.mark.parametrize("name", LOCKS)
def test_every_form_is_read(name: str) -> None:
    reader = reader_of(f"sub/{name}")
    assert reader is not None
    text, wanted = LOCKS[name]
    read = reader(text.replace("//PYPI/", f"//{PYPI}/"))
    assert read.brought == wanted
    assert read.needs == ()


def npm(**packages: Mapping[str, object]) -> str:
    return json.dumps({"packages": {f"node_modules/{name}": entry for name, entry in packages.items()}})


def details(*files: FileChange) -> list[str]:
    return [each.detail for each in dependency_changes(files)]


def test_what_a_named_package_brings_is_one_line_beside_it() -> None:
    manifest = FileChange("package.json", "{}", '{"dependencies": {"got": "^14.0.0"}}')
    many = {f"dep{number:02}": {"version": "1.0.0"} for number in range(12)}
    lock = FileChange("package-lock.json", npm(), npm(got={"version": "14.0.0"}, **many))
    one, other = details(manifest, lock)
    assert one == "`got` ^14.0.0 is a new dependency (npm, locked at 14.0.0)"
    assert other.startswith("with the others comes: `dep00`, ")
    assert other.endswith("`dep09` and 2 more")


def test_smaller_steps_in_a_lock_file_are_not_told_and_larger_ones_are() -> None:
    before = npm(a={"version": "1.0.0"}, b={"version": "1.9.0"}, c={"version": "2.0.0"})
    after = npm(a={"version": "1.2.0"}, b={"version": "2.0.0"}, c={"version": "1.0.0"})
    (told,) = details(FileChange("package-lock.json", before, after))
    assert told == "another major or an older version of `b` (1.9.0 to 2.0.0), `c` (2.0.0 to 1.0.0)"


def test_another_server_is_loud_and_one_that_was_there_is_not() -> None:
    ours, evil = {RESOLVED: "https://npm.acme.org/x"}, {RESOLVED: "https://evil.example.org/x"}
    before = npm(a={"version": "1.0.0", **ours})
    after = npm(a={"version": "1.0.0", **evil}, b={"version": "1.0.0", **ours})
    first, second = dependency_changes([FileChange("package-lock.json", before, after)])
    assert first.loud
    assert first.detail == "CAREFUL: `a` from https://evil.example.org instead of the registry"
    assert (second.loud, second.detail) == (False, "with the others comes: `b`")


def test_a_named_package_that_the_lock_file_has_from_elsewhere_is_loud() -> None:
    manifest = FileChange("package.json", "{}", '{"dependencies": {"got": "^14.0.0"}}')
    evil = {"version": "14.0.0", RESOLVED: "https://evil.example.org/got.tgz"}
    found = dependency_changes([manifest, FileChange("package-lock.json", npm(), npm(got=evil))])
    assert [each.detail for each in found if each.loud] == [
        "CAREFUL: `got` from https://evil.example.org instead of the registry"
    ]


def test_scripts_and_names_are_loud_in_lock_files_too() -> None:
    after = npm(lodahs={"version": "1.0.0"}, native={"version": "1.0.0", "hasInstallScript": True})
    loud = [
        each.detail
        for each in dependency_changes([FileChange("package-lock.json", npm(), after)])
        if each.loud
    ]
    assert loud == [
        (
            "CAREFUL: `lodahs` comes with the others: its name is close to that of `lodash`: two letters are "
            "swapped"
        ),
        "CAREFUL: `native` runs a script when it is installed",
    ]


def test_a_lock_file_that_a_project_gets_names_what_it_did_not_name() -> None:
    """The manifest did not change, so its own packages are among them: nobody saw these versions before."""
    (told,) = details(FileChange("package-lock.json", None, npm(a={"version": "1.0.0"})))
    assert told == "with the others comes: `a`"
