"""A/B tests of agents: assignment, statistics, sequential rules, verdict, report."""
