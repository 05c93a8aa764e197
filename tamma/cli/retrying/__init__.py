"""Going on from another run: what `tamma retry` and `tamma fork` are made of."""
