"""Graders: pure functions over what was measured, from 0 to 100, each with words for people.

==============  ==========================================================================================
grader          score
==============  ==========================================================================================
hidden-tests    100 x (share of the tests that must pass now) x (share of those that must still pass);
                without names the command's exit code: 100 or 0
lint            100, less 20 for each finding that the base does not have; no word where the project has no
                linter configured, or it does not run
diff-size       100 up to the size of a good change (the gold patch's, or the suite's), 25 less each time
                that size is doubled: 0 from 16 times on
judge           the mean of a model's scores, asked several times; the spread is said beside it
red, fixed      testing: whether the new test fails at the base, and passes with the known solution
verdict         review: whether the change was judged as it should have been
==============  ==========================================================================================

The quality is the weighted mean of the parts there are: a part without a word leaves its share to others.
"""
