"""Looking at an experiment while it runs, without fooling oneself.

Decisions are taken at a few looks, by group-sequential boundaries: ``tamma.experiments.looks`` says when (a
workflow may import it), ``spending`` how strong the evidence must be, ``inference`` what may be said when it
has stopped, ``power`` what the looks cost. Displays and guardrails are looked at all the time: by
``confidence`` (means of many tasks) and ``evidence`` (paired successes, exact).

The standard library alone: boundaries to four digits need no array.
"""
