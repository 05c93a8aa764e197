"""All vendors' descriptions, found by their modules."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tests.providers.vendors.base import HttpVendor, Vendor

ALL: list[Vendor] = [
    vendor
    for path in sorted(Path(__file__).parent.glob("*.py"))
    if path.stem not in ("__init__", "base")
    for vendor in import_module(f"{__name__}.{path.stem}").VENDORS
]
HTTP: list[HttpVendor] = [vendor for vendor in ALL if isinstance(vendor, HttpVendor)]
