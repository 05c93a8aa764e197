"""What `tamma bench` is made of."""
