"""What `tamma budget` shows and does."""
