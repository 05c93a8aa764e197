"""One command a file. `tamma.cli.main` imports each when it is used."""
