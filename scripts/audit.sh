#!/usr/bin/env bash
# Known vulnerabilities of what the locks pin. A scan that cannot see advisories must not look like a clean one:
# a release with a known hole (the canary) has to be found first, else this says so and exits 3.
set -euo pipefail
cd "$(dirname "$0")/.."

audit=(.venv/bin/uv tool run --quiet pip-audit@2.10.0 --strict --disable-pip --progress-spinner off)
canary=$(mktemp)
trap 'rm -f "$canary"' EXIT
printf 'urllib3==1.25.8 --hash=sha256:%064d\n' 0 >"$canary"

if "${audit[@]}" --requirement "$canary" >"$canary.out" 2>&1 || ! grep -Eq "(PYSEC|GHSA|CVE)-" "$canary.out"; then
  rm -f "$canary.out"
  echo "audit: no advisories can be reached from here, so nothing was audited" >&2
  exit 3
fi
rm -f "$canary.out"
for lock in core dev; do
  echo "audit: requirements/$lock.txt"
  "${audit[@]}" --requirement "requirements/$lock.txt"
done
