"""Azure DevOps' REST API."""
