"""Whether a metric of an agent changed, and when.

``shift`` compares before and after a moment that is known (a configuration applied, a model changed, a
week's end), on the task types that both sides worked on; ``scan`` looks for moments that are not known, over
all agents, metrics and task types at once; ``cusum`` watches one series as it grows. They work on logarithms
of cost and duration and on log odds of success.

Modules here load numpy and scipy: import them inside functions, in activities and commands alone.
"""
