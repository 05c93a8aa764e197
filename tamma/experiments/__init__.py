"""A/B tests of agent configurations: statistics, assignment, sequential rules, verdict."""
