"""The ecosystems whose files say in a few lines how a project is tested and built."""

from __future__ import annotations

import re

from tamma.workspace.ecosystems.found import Found, ReadFile
from tamma.workspace.ecosystems.reading import json_object, table
from tamma.workspace.interface import Command

_MAKE_TARGET = re.compile(r"^(test|check|lint|build|format|fmt)\s*:(?!=)", re.MULTILINE)


def rust(names: frozenset[str], _read: ReadFile) -> Found | None:
    if "Cargo.toml" not in names:
        return None
    form = next((n for n in ("rustfmt.toml", ".rustfmt.toml") if n in names), "Cargo.toml")
    return Found(
        "rust",
        test=Command("cargo test", "Cargo.toml"),
        build=Command("cargo build", "Cargo.toml"),
        install=(Command("cargo fetch", "Cargo.toml"),),
        format=Command("cargo fmt", form),
    )


def go(names: frozenset[str], _read: ReadFile) -> Found | None:
    if "go.mod" not in names:
        return None
    linter = next((n for n in sorted(names) if re.fullmatch(r"\.golangci\.\w+", n)), None)
    return Found(
        "go",
        test=Command("go test ./...", "go.mod"),
        lint=Command("golangci-lint run", linter) if linter else Command("go vet ./...", "go.mod"),
        build=Command("go build ./...", "go.mod"),
        install=(Command("go mod download", "go.mod"),),
        format=Command("gofmt -w .", "go.mod"),
    )


def java(names: frozenset[str], read: ReadFile) -> Found | None:
    if "pom.xml" in names:
        run = "./mvnw" if "mvnw" in names else "mvn"
        return Found(
            "java",
            test=Command(f"{run} -q -o test", "pom.xml"),
            build=Command(f"{run} -q -o compile", "pom.xml"),
        )
    manifests = ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")
    if build := next((n for n in manifests if n in names), None):
        run = "./gradlew" if "gradlew" in names else "gradle"
        spotless = "spotless" in (read(build) or "")
        return Found(
            "java",
            test=Command(f"{run} --offline test", build),
            build=Command(f"{run} --offline assemble", build),
            format=Command(f"{run} --offline spotlessApply", f"{build}: spotless") if spotless else None,
        )
    return None


def ruby(names: frozenset[str], _read: ReadFile) -> Found | None:
    if "Gemfile" not in names and "Rakefile" not in names:
        return None
    if ".rspec" in names or any(name.startswith("spec/") and name.endswith("_spec.rb") for name in names):
        test = Command("bundle exec rspec", "spec/")
    else:
        test = Command("bundle exec rake test", "Rakefile") if "Rakefile" in names else None
    install = (Command("bundle install", "Gemfile"),) if "Gemfile" in names else ()
    rubocop = ".rubocop.yml" in names
    return Found(
        "ruby",
        test=test,
        lint=Command("bundle exec rubocop", ".rubocop.yml") if rubocop else None,
        install=install,
        format=Command("bundle exec rubocop -a", ".rubocop.yml") if rubocop else None,
    )


def php(names: frozenset[str], read: ReadFile) -> Found | None:
    if "composer.json" not in names:
        return None
    scripts = table(json_object(read("composer.json")), "scripts")

    def script(*wanted: str) -> Command | None:
        found = next((name for name in wanted if name in scripts), None)
        return Command(f"composer run {found}", f"composer.json: {found}") if found else None

    config = next((n for n in ("phpunit.xml", "phpunit.xml.dist") if n in names), None)
    return Found(
        "php",
        test=Command("vendor/bin/phpunit", config) if config else script("test", "tests"),
        lint=script("lint", "cs", "phpcs"),
        install=(Command("composer install", "composer.json"),),
        format=script("format", "cs-fix", "fix"),
    )


def make(names: frozenset[str], read: ReadFile) -> Found | None:
    name = next((n for n in ("Makefile", "GNUmakefile", "makefile") if n in names), None)
    if name is None:
        return None
    targets = set(_MAKE_TARGET.findall(read(name) or ""))

    def target(*wanted: str) -> Command | None:
        found = next((t for t in wanted if t in targets), None)
        return Command(f"make {found}", f"{name}: {found}") if found else None

    return Found(
        "make", target("test", "check"), target("lint"), target("build"), format=target("format", "fmt")
    )
