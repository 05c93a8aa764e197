"""How agents do over time: performance reports, trends, recommendations, insights."""
