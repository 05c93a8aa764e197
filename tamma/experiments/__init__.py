"""A/B tests of agents: assignment, statistics, looks, the verdict and its report. Decisions are pure."""
