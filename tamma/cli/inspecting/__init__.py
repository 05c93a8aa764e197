"""`tamma inspect`: a run as steps, told, exported, and as a page."""
