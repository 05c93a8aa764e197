"""Benchmarks: what the product costs beside the bare tools below it. See docs/benchmarks.md."""
