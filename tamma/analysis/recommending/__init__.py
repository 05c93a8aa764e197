"""What is worth testing, found in what was measured. Everything here is proposed, nothing applied.

A rule looks at one agent's runs and says what might be better, with its evidence in numbers. Modules here
compare runs: they load numpy and scipy, so import them inside functions, in activities and commands alone.
"""
