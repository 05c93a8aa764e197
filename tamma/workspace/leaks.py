"""Secrets in the lines that a change adds: known by their form, or by how random a value is. Pure.

Findings name the kind and the place, never the value.
"""

from __future__ import annotations

import math
import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from tamma.workspace.weakening.files import is_test

_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("a private key", r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----"),
        ("a GitHub token", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})"),
        ("a GitLab token", r"\bgl(?:pat|ptt|rt|dt|cbt|oas|soat|agent)-[A-Za-z0-9_-]{20,}"),
        ("an Anthropic key", r"\bsk-ant-[A-Za-z0-9_-]{20,}"),
        ("an OpenRouter key", r"\bsk-or-v1-[0-9a-f]{40,}"),
        ("an OpenAI key", r"\bsk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,}|\bsk-[A-Za-z0-9]{48}\b"),
        ("an AWS key", r"\b(?:AKIA|ASIA)(?![A-Z0-9]{9}EXAMPLE)[A-Z0-9]{16}\b"),
        ("a Google key", r"\bAIza[A-Za-z0-9_-]{35}\b"),
        ("a Google OAuth secret", r"\bGOCSPX-[A-Za-z0-9_-]{28}"),
        ("a Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{20,}|\bxapp-\d-[A-Za-z0-9-]{20,}"),
        ("a Slack webhook", r"hooks\.slack\.com/services/T[A-Z0-9]{6,}/B[A-Z0-9]{6,}/[A-Za-z0-9]{20,}"),
        ("an npm token", r"\bnpm_[A-Za-z0-9]{36}\b"),
        ("a PyPI token", r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}"),
        ("a Stripe key", r"\b[rs]k_live_[A-Za-z0-9]{20,}|\bwhsec_[A-Za-z0-9]{32,}"),
        ("a SendGrid key", r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
        ("a Hugging Face token", r"\bhf_[A-Za-z0-9]{34,}\b"),
        ("a DigitalOcean token", r"\bdo[opr]_v1_[0-9a-f]{64}\b"),
        ("a Databricks token", r"\bdapi[0-9a-f]{32}\b"),
        ("a Shopify token", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b"),
        ("an Atlassian token", r"\bATATT3[A-Za-z0-9_=-]{50,}"),
        ("a Docker Hub token", r"\bdckr_pat_[A-Za-z0-9_-]{20,}"),
        ("a Vault token", r"\bhvs\.[A-Za-z0-9_-]{24,}"),
        ("an Azure storage key", r"\bAccountKey=[A-Za-z0-9+/]{80,}={0,2}"),
    )
)

_NAME = r"(?:key|secret|token|passw(?:or)?d|pwd)(?:[_-]\w+)?[\"']?\s*(?:=>|:=|[:=])\s*"
_CHARACTERS = r"[A-Za-z0-9+/=_.!@#%^&*~-]{16,200}"
_QUOTED = re.compile(rf"(?i){_NAME}(?P<quote>[\"'`])(?P<value>{_CHARACTERS})(?P=quote)")
_BARE = re.compile(rf"(?i){_NAME}(?P<value>{_CHARACTERS})\s*$")
"""A value that is given to a name like `api_key`: in code between quotes, in settings also without."""
_SETTINGS = re.compile(r"(?i)\.env(?:\.\w+)?|.*\.(?:env|ya?ml|ini|cfg|conf|properties|tfvars|toml)")
_ADDRESS = re.compile(
    r"\b[a-z][a-z0-9+.-]+://[^\s:/@'\"]+:(?P<value>[^\s@/'\"]{8,})@(?!localhost|127\.|example)"
)
_PLACEHOLDER = re.compile(
    r"(?i)example|change.?me|placeholder|dummy|redacted|your[_.-]|insert|todo|x{4,}|\*{3,}|\.{3}|1234567|abcdef"
    r"|^[$%{<]|^(?:os|process|env|config|settings|self|this|secrets|args|data)[.\[]"
)
_UNCHECKED = re.compile(
    r"(?i).*\.(?:lock|sum|svg|snap|map|min\.js|ipynb|csv|po)|(?:package-lock|npm-shrinkwrap)\.json"
)
_SHORTEST_LINE, _LONGEST_LINE = 8, 20_000
_RANDOM_BITS = 3.5
"""Bits of a character: words and identifiers are below, random base64 of 20 characters and more above.
Random hexadecimal digits come close to their bound of 4."""


def leaks_in(lines: Iterable[str], path: str = "") -> Iterator[tuple[int, str]]:
    """(index of the line, kind) of what looks like a secret; one a line.

    In tests and generated files only what has a known form counts: made-up passwords are common there.
    """
    name = posixpath.basename(path)
    guess = not (is_test(path) or _UNCHECKED.fullmatch(name))
    named = (_QUOTED, _BARE) if _SETTINGS.fullmatch(name) else (_QUOTED,)
    for index, line in enumerate(lines):
        if len(line) < _SHORTEST_LINE:
            continue
        line = line[:_LONGEST_LINE]
        kind = next((name for name, pattern in _FORMS if pattern.search(line)), None)
        if kind is None and guess:
            kind = _guessed(line[:1000], named)
        if kind is not None:
            yield index, kind


def secrets_in(lines: Iterable[str]) -> set[str]:
    """The kinds of secrets that `lines` seem to hold."""
    return {kind for _, kind in leaks_in(lines)}


def _guessed(line: str, named: tuple[re.Pattern[str], ...]) -> str | None:
    if any((found := pattern.search(line)) and _is_random(found["value"]) for pattern in named):
        return "a secret: a random value with a name like that"
    found = _ADDRESS.search(line)
    if found is None or _PLACEHOLDER.search(found["value"]) or not re.search(r"\d", found["value"]):
        return None
    return "an address with a password" if _bits(found["value"]) > 2.5 else None


def _is_random(value: str) -> bool:
    """Whether nobody would write it by hand: letters and digits, mixed, without the look of a name."""
    if _PLACEHOLDER.search(value) or not (
        re.search(r"[A-Za-z]", value) and len(re.findall(r"\d", value)) > 1
    ):
        return False
    if re.fullmatch(r"[a-z]+(?:[-_./][a-z0-9]+)+|\d{4}-\d\d-\d\d.*|[\w.-]+@[\w.-]+|[\w.]+\(\)?", value):
        return False
    least = 3.0 if re.fullmatch(r"[0-9a-fA-F]+", value) and len(value) >= 32 else _RANDOM_BITS
    return _bits(value) >= least


def _bits(value: str) -> float:
    """Shannon's entropy of the characters, in bits a character."""
    counts = Counter(value).values()
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts)
