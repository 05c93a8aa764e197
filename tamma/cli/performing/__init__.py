"""What `tamma perf` is made of."""
