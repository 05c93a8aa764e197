"""The steps of a trial that runs do not have."""
