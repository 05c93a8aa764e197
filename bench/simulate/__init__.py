"""Gates by simulation: the experiments' statistics keep the error rates that they promise, or the build
fails.
"""
