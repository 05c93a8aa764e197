"""What `tamma providers` shows and does."""
