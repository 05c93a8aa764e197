"""Known bugs of real releases, solved in repositories made of them, and judged by the next release's test."""
