"""What crosses boundaries: plain data, no behaviour that touches the outside.

Modules here import the standard library only, so that workflows, activities, adapters and the command line
share one vocabulary at no cost.
"""
