"""How a platform is told to report to Tamma: what to fill in, and where. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from tamma.errors import ConfigError
from tamma.model.references import PLAIN_GIT


@dataclass(frozen=True, slots=True)
class Form:
    """What a platform's page for webhooks asks."""

    where: str
    """The way to it, from the repository's page."""
    events: tuple[str, ...]
    """What to tick, in the page's words."""
    field: str = "Secret"
    """What the secret goes into."""
    content_type: str = "application/json"
    notes: tuple[str, ...] = ()


_GITEA = Form(
    "Settings > Webhooks > Add webhook",
    (
        "Push",
        "Issues",
        "Issue Labeled",
        "Issue Comment",
        "Pull Request",
        "Pull Request Comment",
        "Pull Request Reviewed",
        "Pull Request Synchronized",
        "Status, Workflow Run, Workflow Job: as far as the server has them",
    ),
    notes=("HTTP method: POST; trigger on: custom events",),
)
FORMS = {
    "github": Form(
        "Settings > Webhooks > Add webhook (for an app: its own settings)",
        (
            "Issues",
            "Issue comments",
            "Pull requests",
            "Pull request reviews",
            "Pull request review comments",
            "Pull request review threads",
            "Pushes",
            "Check runs",
            "Check suites",
            "Statuses",
            "Workflow runs",
            "Workflow jobs",
        ),
        notes=("choose: let me select individual events", "leave SSL verification on"),
    ),
    "gitlab": Form(
        "Settings > Webhooks > Add new webhook",
        ("Push events", "Comments", "Issues events", "Merge request events", "Pipeline events", "Job events"),
        field="Secret token",
        notes=("leave SSL verification on",),
    ),
    "gitea": _GITEA,
    "forgejo": _GITEA,
    "bitbucket": Form(
        "Repository settings > Webhooks > Add webhook",
        (
            "Repository: push, build status created, build status updated",
            "Pull request: created, updated, merged, declined, comment created, comment updated",
            "Pull request: approved, changes request created",
        ),
    ),
    "bitbucket-dc": Form(
        "Repository settings > Webhooks > Create webhook",
        (
            "Repository: push",
            "Pull request: opened, source branch updated, modified, reviewers updated",
            "Pull request: merged, declined, deleted, comment added, comment edited",
            "Pull request: approved, unapproved, changes requested",
        ),
    ),
    "azure-devops": Form(
        "Project settings > Service hooks > Create subscription > Web Hooks",
        (
            "Work item created, updated, commented on",
            "Pull request created, updated, merge attempted, commented on",
            "Code pushed",
            "Build completed",
        ),
        field="Basic authentication password",
        notes=("one subscription for each event", "Basic authentication username: tamma"),
    ),
    "jira": Form(
        "System settings > WebHooks > Create a WebHook",
        ("Issue: created, updated, deleted", "Comment: created, updated, deleted"),
    ),
}
_WITHOUT = frozenset({PLAIN_GIT, "memory"})
_OTHER = Form("the platform's page for webhooks", ("issues, pull requests, comments, pushes, checks",))


def form_of(platform_type: str) -> Form:
    """Raises ConfigError for types that report nothing."""
    if platform_type in _WITHOUT:
        raise ConfigError(
            f"{platform_type} has no webhooks", hint="submit issues by hand, or name another account"
        )
    return FORMS.get(platform_type, _OTHER)


def address(public: str | None, platform_id: str) -> str:
    """Where the platform sends its events. Raises ConfigError where `public` is no address for it."""
    if public is None:
        public = "https://YOUR-HOST"
    elif not public.startswith(("https://", "http://")) or "@" in public or "?" in public or "#" in public:
        raise ConfigError(
            f"--url {public!r} is not the address of a gateway",
            hint="write it like https://tamma.example.com, as the platform reaches it",
        )
    return f"{public.rstrip('/')}/webhooks/{quote(platform_id, safe='')}"


def steps(form: Form, url: str, secret: str) -> list[str]:
    """What to do, one sentence each."""
    return [
        f"Open {form.where}.",
        f"URL: {url}",
        f"Content type: {form.content_type}",
        f"{form.field}: {secret}",
        *(f"Also: {note}." for note in form.notes),
        *(f"Event: {event}" for event in form.events),
    ]
