"""What `tamma platforms` shows and does."""
