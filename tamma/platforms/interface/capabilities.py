"""What a platform can do: `capabilities` says which of these, by its type and its server's version."""

from __future__ import annotations

ISSUES = "issues"
COMMENTS = "comments"
"""On issues, and where there are pull requests on these."""
LABELS = "labels"
ASSIGNEES = "assignees"
PULL_REQUESTS = "pull_requests"
DRAFTS = "drafts"
REVIEWERS = "reviewers"
REVIEWS = "reviews"
"""Reviews with a verdict, inline comments, threads and replies."""
RESOLVE_THREADS = "resolve_threads"
CHECKS = "checks"
STATUSES = "statuses"
"""`set_status` works."""
AUTO_MERGE = "auto_merge"
"""`merge_pr(when_ready=True)` works."""
CI_TRIGGER = "ci_trigger"
CI_RUNS = "ci_runs"
"""Runs and their jobs can be looked up."""
CI_LOGS = "ci_logs"
CI_RERUN = "ci_rerun"
CI_CANCEL = "ci_cancel"
WEBHOOKS = "webhooks"
API_COMMITS = "api_commits"
"""`commit_files` works: a commit can be delivered without git push."""
GIT_PUSH = "git_push"
LOCAL_MERGE = "local_merge"
"""`merge_branch` works: a branch can be merged without a pull request."""

CAPABILITIES = frozenset(
    {
        ISSUES, COMMENTS, LABELS, ASSIGNEES, PULL_REQUESTS, DRAFTS, REVIEWERS, REVIEWS, RESOLVE_THREADS,
        CHECKS, STATUSES, AUTO_MERGE, CI_TRIGGER, CI_RUNS, CI_LOGS, CI_RERUN, CI_CANCEL, WEBHOOKS,
        API_COMMITS, GIT_PUSH, LOCAL_MERGE,
    }
)  # fmt: skip
