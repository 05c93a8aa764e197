"""The git command and remote repositories: what workspaces and platforms share.

Where a remote is and by which credentials it is reached (`remote`), the environment that carries them to git
and nowhere else (`environment`), and what git says when it fails (`faults`). It starts no process itself.
"""
