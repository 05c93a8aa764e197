"""What `tamma select` is told and shows."""
