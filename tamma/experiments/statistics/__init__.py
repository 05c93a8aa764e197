"""Fixed-horizon statistics of A/B tests: pure functions over arrays.

Arms are named, never positional: a difference is treatment minus control, a ratio treatment over control.
Missing values are None; they are left out, counted and reported. NaN, infinity and impossible values raise
`BadFigures`. Input that allows no answer (empty arms, one value, no spread) gets a result whose cautions say
so.

Importing a module of this package loads numpy and scipy: import it inside functions, and only in activities
and commands, never in a workflow. What it answers with, `tamma.model.estimates`, is light.
"""
