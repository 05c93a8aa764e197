"""The forms that suites come in: files in, checked suites out. Outside data enters here and nowhere else."""
