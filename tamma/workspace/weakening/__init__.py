"""Whether a change makes the tests say less: what was a test before it, and what is one after it. Pure."""
