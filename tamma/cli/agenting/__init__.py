"""What `tamma agent` is made of."""
