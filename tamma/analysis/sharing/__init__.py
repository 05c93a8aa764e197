"""What may leave an installation: sums over groups of repositories, with noise, and never more than that.

The unit that is protected is a repository. Of each, a bounded number of runs counts, with bounded values; so
one repository can move a sum by no more than a known amount (its sensitivity), and noise of that size over
epsilon hides whether it took part (differential privacy: Dwork, McSherry, Nissim & Smith 2006). Groups of few
runs or few repositories are left out (k-anonymity). docs/privacy.md says what is promised, and what is not.
"""
