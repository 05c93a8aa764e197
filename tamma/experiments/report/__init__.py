"""What people read about an A/B test: one `Report`, as text, Markdown, CSV, JSON and HTML.

`build` makes it; every rendering reads it and computes nothing. The HTML file needs the extra `reports`.
"""
