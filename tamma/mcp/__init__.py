"""Speaking to MCP servers: what the `zen-mcp` provider and the agents' tool servers share.

docs/decisions/0011-mcp.md says why it is a package of its own, and what is bounded.
"""
