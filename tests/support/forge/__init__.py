"""One world over real Git, and the servers that show it as the Git platforms do."""
