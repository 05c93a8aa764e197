"""The durable workflows. They remember where a run stands; everything else may be killed at any moment.

Modules here import the standard library, `temporalio`, `tamma.model`, the pure modules of `tamma.agents` and
`activities.interface`. They read as prose: named steps, named options, no parsing.
"""
