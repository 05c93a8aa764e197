"""What a change makes a project depend on: manifests and lock files before and after it. Pure."""
