"""Agents: the session's pure step machine, prompts as files, how a conversation is kept in its window.

Nothing here touches a server, a file of the user's or a clock: decisions are functions over state.
"""
