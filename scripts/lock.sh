#!/usr/bin/env bash
# Write requirements/*.txt: every transitive dependency with its hashes, for every supported Python and
# platform, and no index address (a lock that names an index would send every user there).
# `scripts/lock.sh --upgrade` takes the newest versions the ranges allow; otherwise pins stay where they can.
set -euo pipefail
cd "$(dirname "$0")/.."

# Extras stay named (`hishel[async]==..`): without them pip 23.2 says that hishel[async] is not pinned.
compile=(.venv/bin/uv pip compile --quiet --generate-hashes --universal --python-version 3.11
  --no-strip-extras --no-header --no-annotate --no-emit-index-url --no-emit-find-links "$@")

"${compile[@]}" pyproject.toml --extra embedded --group build -o requirements/core.txt
# Constrained by core.txt: a test run sees the versions that a user gets.
"${compile[@]}" pyproject.toml --all-extras --group dev -c requirements/core.txt -o requirements/dev.txt
"${compile[@]}" --no-deps requirements/peers.in -o requirements/peers.txt
"${compile[@]}" requirements/pal.in -o requirements/pal.txt
"${compile[@]}" requirements/litellm.in -o requirements/litellm.txt
"${compile[@]}" requirements/mini.in -o requirements/mini.txt
"${compile[@]}" requirements/oracles.in -o requirements/oracles.txt
for lock in core dev peers pal litellm mini oracles; do
  sed -i.old "1i # Written by make lock from pyproject.toml and requirements/*.in. Do not edit." "requirements/$lock.txt"
  rm "requirements/$lock.txt.old"
done
.venv/bin/python scripts/check_locks.py
