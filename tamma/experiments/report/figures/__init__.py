"""The charts of a report: each a function from a `Report` to a `Chart`, None where nothing can be drawn.

matplotlib (the extra `reports`) is imported by the functions alone.
"""
