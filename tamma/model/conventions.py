"""How a team wants pull requests and labels to look, as far as a platform's account says it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Conventions:
    """Of one platform's account."""

    default_branch: str | None = None
    """Wins over what the platform says."""
    pull_request_template: str | None = None
    """A path in the repository, or the text itself where it has several lines; see `template_path`."""
    pull_request_labels: tuple[str, ...] = ()
    """Put on every pull request."""
    needs_human_label: str | None = "needs-human-review"
    """Put on where a run needs a person."""
    in_progress_label: str | None = None
    """Put on an issue while a run works on it."""
    people: tuple[str, ...] = ()
    """Logins: the only ones whose comments are commands, and whom a run calls when nobody answers. Empty:
    everybody who may write to the repository, and nobody by name."""
    tracker: str | None = None
    """The account where the issues are; None: the platform's own."""
    tracker_type: str = ""

    @property
    def template_path(self) -> str | None:
        """Where the template is in the repository; None where there is none, or it is given as text."""
        template = self.pull_request_template
        return None if template is None or "\n" in template else template

    def issue_name(self, number: str) -> str:
        """What texts on the forge call an issue. A bare number would be an issue, or a pull request, of the
        forge itself, and `Closes #12` would close it."""
        if self.tracker is None or not number.isdecimal():
            return number
        # `AB#12` is what GitHub's and others' integrations with Azure Boards look for.
        return f"AB#{number}" if self.tracker_type == "azure-devops" else f"{self.tracker} issue {number}"

    def closing(self, number: str) -> str:
        """The line of a pull request's description that says what it solves."""
        if self.tracker is None:
            return f"Closes #{number}"
        return f"Solves {self.issue_name(number)}"
