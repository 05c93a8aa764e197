"""Agents' configurations: made, checked, compared, written to files and read back.

Their identity (`config_hash`) is in `tamma.model.agent_json`, for the store needs it too.
"""
