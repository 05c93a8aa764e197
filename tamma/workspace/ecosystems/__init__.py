"""What the files of each ecosystem say about testing and building. Pure: no command runs."""
