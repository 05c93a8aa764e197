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
HTTP: list[HttpVendor] = [vendor for vendor in _FOUND if isinstance(vendor, HttpVendor)]
WIRELESS = [vendor for vendor in _FOUND if not isinstance(vendor, HttpVendor)]
"""Those whose bytes no test can break."""
