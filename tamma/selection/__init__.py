"""Which issues are taken by themselves: pure decisions."""
