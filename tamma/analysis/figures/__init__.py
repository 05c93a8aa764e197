"""What a performance report counts and compares: summaries, comparisons, trends, costs and benefits.

Modules here load numpy and scipy: import them inside functions, in activities and commands alone.
"""
