"""The map of a repository: its files in the order of their weight, with what they define.

Files are nodes, and a name that one defines and others use leads from the users to the definers; weight flows
along these ways as in PageRank (Page, Brin, Motwani and Winograd, 1999). The idea to rank a repository's
files so is aider's. All of it is deterministic: the same commit gives the same map, to the byte.
"""
