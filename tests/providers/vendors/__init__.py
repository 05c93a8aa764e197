"""All vendors' descriptions, found by their modules. Those that need a real peer are marked so."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from tests.providers.vendors.base import HttpVendor, PeerVendor, Vendor

_FOUND: list[Vendor] = [
    vendor
    for path in sorted(Path(__file__).parent.glob("*.py"))
    if path.stem not in ("__init__", "base")
    for vendor in import_module(f"{__name__}.{path.stem}").VENDORS
]
ALL = [
    pytest.param(vendor, marks=pytest.mark.peers, id=vendor.name)
    if isinstance(vendor, PeerVendor)
    else vendor
    for vendor in _FOUND
]
WIRED = [vendor for vendor in _FOUND if isinstance(vendor, HttpVendor)]
_BEHIND_ANOTHER = (
    "opencode-zen-chat",
    "opencode-zen-messages",
    "opencode-zen-responses",
    "opencode-zen-gemini",
)
"""A gateway's protocols: the adapters that break here are those of other vendors, which are broken anyway."""
HTTP = [
    pytest.param(vendor, marks=pytest.mark.slow if vendor.name in _BEHIND_ANOTHER else (), id=vendor.name)
    for vendor in WIRED
]
WIRELESS = [vendor for vendor in _FOUND if not isinstance(vendor, HttpVendor)]
"""Those whose bytes no test can break."""
