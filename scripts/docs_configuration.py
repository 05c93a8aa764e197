"""The reference of the configuration, from its schema: blocks of `docs/configuration.md`.

The words about a key are its docstring in `tamma/config/schema*.py`; its example stands here and is checked.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tamma.config import environment, project, schema
from tamma.config.built_in_platforms import USUAL

EXAMPLES: dict[str, dict[str, Any]] = {
    "": {"version": "1.0", "mode": "standalone", "logLevel": "info"},
    "providers": {
        "providers": {
            "default": "anthropic-claude",
            "steps": {
                "plan": "anthropic-claude/claude-opus-5-5",
                "test": "local-llm",
                "implement": "anthropic-claude",
                "fix": "anthropic-claude",
                "stuck": "anthropic-claude/claude-opus-5-5",
                "review": ["anthropic-claude/claude-haiku-5-5", "local-llm"],
            },
            "fallbacks": ["local-llm/qwen3-coder"],
        }
    },
    "providers.available[]": {
        "providers": {
            "available": [
                {
                    "providerId": "house-llm",
                    "providerType": "local-llm",
                    "apiKey": "env:HOUSE_LLM_KEY",
                    "baseUrl": "https://llm.example.com/v1",
                    "model": "qwen3-coder",
                    "priority": 1,
                    "capabilities": {
                        "tools": True,
                        "forcedTool": False,
                        "parallelTools": True,
                        "vision": False,
                        "structuredOutput": True,
                        "reasoningLevels": ["low", "high"],
                        "samplingParams": True,
                        "promptCache": False,
                        "maxOutput": 16384,
                    },
                    "maxConcurrent": 4,
                    "requestsPerMinute": 60,
                    "defaultParams": {"temperature": 0.2, "maxTokens": 8192},
                    "price": {
                        "inputMtok": "0.40",
                        "outputMtok": "1.20",
                        "cacheReadMtok": "0.04",
                        "cacheWriteMtok": "0.40",
                    },
                    "timeout": 900,
                    "stallTimeout": 60,
                    "contextWindow": 65536,
                    "headers": {"X-Team": "platform", "X-Gateway-Key": "env:GATEWAY_KEY"},
                    "options": {},
                }
            ]
        }
    },
    "platforms": {"platforms": {"default": "github.com"}},
    "platforms.available[]": {
        "platforms": {
            "available": [
                {
                    "platformId": "github.example.com",
                    "platformType": "github",
                    "baseUrl": "https://github.example.com/api/v3",
                    "authType": "pat",
                    "credentials": {
                        "accessToken": "env:GHE_TOKEN",
                        "expiresAt": "2027-03-31",
                        "username": "tamma-bot",
                        "sshKey": "/etc/tamma/id_ed25519",
                        "knownHosts": "/etc/tamma/known_hosts",
                    },
                    "webhookSecret": ["env:GHE_WEBHOOK_SECRET", "env:GHE_WEBHOOK_SECRET_OLD"],
                    "repositories": ["github.example.com/acme/*"],
                    "issues": {"platform": "jira", "project": "SHOP"},
                    "defaultBranch": "main",
                    "pullRequestTemplate": ".github/pull_request_template.md",
                    "labels": {
                        "pullRequest": ["tamma"],
                        "needsHuman": "needs-human-review",
                        "inProgress": "in-progress",
                    },
                    "people": ["ada", "bob"],
                    "cloneUrl": "https://github.example.com/{owner}/{name}.git",
                    "gitOver": "ssh",
                    "delivery": "push",
                    "caFile": "/etc/tamma/ca.pem",
                    "proxy": "http://proxy.example.com:3128",
                    "maxConcurrent": 10,
                    "timeout": 30,
                    "options": {},
                },
                {
                    "platformId": "gitlab.com",
                    "platformType": "gitlab",
                    "authType": "oauth",
                    "credentials": {
                        "clientId": "0123456789abcdef",
                        "clientSecret": "env:GITLAB_CLIENT_SECRET",
                        "refreshToken": "env:GITLAB_REFRESH_TOKEN",
                        "tokenUrl": "https://gitlab.com/oauth/token",
                    },
                },
                {
                    "platformId": "github-app",
                    "platformType": "github",
                    "authType": "app",
                    "credentials": {
                        "appId": "123456",
                        "privateKey": "file:/run/secrets/tamma-app.pem",
                        "installationId": "7654321",
                    },
                    "repositories": ["github.com/acme/*"],
                },
                {
                    "platformId": "jira",
                    "platformType": "jira",
                    "baseUrl": "https://acme.atlassian.net",
                    "authType": "basic",
                    "credentials": {"accessToken": "env:JIRA_TOKEN", "username": "tamma@example.com"},
                },
            ]
        }
    },
    "agents": {
        "agents": {"default": "reviewer", "optimizationEnabled": True, "abTestingEnabled": True},
    },
    "agents.available[]": {
        "agents": {
            "available": [
                {
                    "name": "reviewer",
                    "provider": "claude",
                    "model": "claude-opus-5-5",
                    "systemPrompt": "You review changes and are hard to please.",
                    "prompts": {"review": "{{issue}}\n{{plan}}\n{{tests}}\n{{diff}}\nAnswer with JSON."},
                    "tools": ["view", "grep", "finish"],
                    "parameters": {"maxTokens": 8192, "reasoning": "high"},
                    "context": {"compactAt": 0.6},
                    "capabilities": {"supportedTasks": ["code-review"]},
                    "optimizationSettings": {"enableABTesting": True, "performanceThreshold": 0.1},
                    "agentId": None,
                    "version": None,
                    "createdAt": None,
                    "updatedAt": None,
                },
                {"name": "coder", "folder": "agents/coder"},
            ]
        }
    },
    "database": {
        "database": {
            "url": None,
            "host": "db.example.com",
            "port": 5432,
            "database": "tamma",
            "user": "tamma",
            "password": "file:/run/secrets/tamma-db",
        }
    },
    "temporal": {
        "temporal": {
            "address": "temporal.example.com:7233",
            "namespace": "tamma",
            "apiKey": "env:TEMPORAL_API_KEY",
            "tls": {
                "serverName": "temporal.example.com",
                "ca": "/etc/tamma/ca.pem",
                "clientCert": "/etc/tamma/client.pem",
                "clientKey": "/etc/tamma/client.key",
            },
        }
    },
    "worker": {
        "worker": {
            "maxConcurrentTasks": 3,
            "maxWorkspaces": 8,
            "maxModelCalls": 20,
            "modelCallsPerSecond": 5,
            "workspacesDir": "/var/lib/tamma/workspaces",
            "host": "builder-1",
            "installHosts": ["registry.example.org"],
            "orchestratorUrl": None,
            "pollInterval": None,
        }
    },
    "orchestrator": {
        "orchestrator": {"host": "127.0.0.1", "port": 3000, "maxWorkers": 4, "taskQueueSize": 100}
    },
    "run": {
        "run": {
            "workflowType": "autonomous-dev",
            "approve": "merge",
            "merge": "auto",
            "mergeMethod": "squash",
            "budgetUsd": "5.00",
            "maxTurns": 150,
            "maxHours": 8,
            "bestOf": 3,
            "remindAfter": 14400,
            "escalateAfter": 86400,
            "testCommand": "python -m pytest -q",
            "review": True,
            "newDependencies": "ask",
            "coordination": "wait",
            "sandbox": {"allowNone": False},
            "planning": {"ambiguity": 0.7},
            "protectedPaths": ["deploy/**", "*.sql"],
            "checks": {"grace": 120, "poll": 30},
        }
    },
    "selection": {
        "selection": {
            "labels": ["tamma"],
            "anyIssue": False,
            "excludeLabels": ["needs-human-review", "wontfix"],
            "every": 300,
            "concurrency": 2,
            "coolDown": 600,
            "most": 5,
            "mostADay": 20,
            "retryAfter": 86400,
            "attempts": 2,
        }
    },
    "quality": {"quality": {"revertWindowDays": 14}},
    "sharing": {"sharing": {"enabled": True, "epsilon": 1.0, "minGroup": 10, "totalEpsilon": 12.0}},
    "mcpServers.NAME": {
        "mcpServers": {
            "tracker": {
                "command": "npx",
                "args": ["-y", "@example/tracker-mcp"],
                "env": {"TRACKER_TOKEN": "env:TRACKER_TOKEN"},
                "tools": ["search", "get_ticket"],
                "timeout": 60,
            },
            "docs": {
                "url": "https://docs.example.com/mcp",
                "headers": {"Authorization": "env:DOCS_AUTHORIZATION"},
            },
        }
    },
}
"""An example of each section that has one; together they name every key."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the configuration. `path` has `[]` for the entries of a list."""

    path: str
    values: str
    default: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Part:
    """A section, by its path, with its own keys. Sections in it are parts of their own."""

    path: str
    about: str
    keys: tuple[Key, ...]


def parts(model: type[BaseModel] = schema.TammaConfig, path: str = "") -> Iterator[Part]:
    """The sections of the configuration, each before those in it."""
    words = field_words(model)
    keys: list[Key] = []
    inner: list[tuple[type[BaseModel], str]] = []
    for name, field in model.model_fields.items():
        here = f"{path}.{field.alias}" if path else str(field.alias)
        found = _model_in(field.annotation)
        if found is not None:
            origin: Any = get_origin(field.annotation)
            here += "[]" if origin is tuple else ".NAME" if origin is dict else ""
            inner.append((found, here))
        if found is None or name in words:
            keys.append(Key(here, _values(field), _default(field), words.get(name, "")))
    yield Part(path, inspect.cleandoc(model.__doc__ or ""), tuple(keys))
    for found, here in inner:
        yield from parts(found, here)


def field_words(model: type[BaseModel]) -> dict[str, str]:
    """The docstring below each field of a model."""
    body = ast.parse(inspect.getsource(model)).body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for field, after in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            words = " ".join(str(after.value.value).split())
            found[field.target.id] = re.sub(r"\bNone: ", "Not set: ", words)
    return found


def reference() -> str:
    """Every key, by section, as Markdown."""
    return "\n\n".join(_section(part) for part in parts())


def _section(part: Part) -> str:
    lines = [f"### {f'`{part.path}`' if part.path else 'The top'}", ""]
    about = part.about.split("\n\n")
    lines += [*(" ".join(paragraph.split()) for paragraph in about), ""]
    if part.keys:
        lines += ["| key | values | default | meaning |", "|---|---|---|---|"]
        for key in part.keys:
            name = key.path.removeprefix(part.path).lstrip(".")
            lines.append(f"| `{name}` | {key.values} | {key.default} | {key.meaning} |")
    if part.path in EXAMPLES:
        example = json.dumps(EXAMPLES[part.path], indent=2)
        lines += ["", "```json", example, "```"]
    return "\n".join(lines).rstrip()


def variables() -> str:
    """The environment variables, as Markdown."""
    lines = ["| variable | sets | meaning |", "|---|---|---|"]
    for variable in environment.VARIABLES:
        path = variable.path.replace(environment.DEFAULT_PROVIDER, "providers.available[the default one]")
        kept = "; kept as a reference" if variable.secret else ""
        lines.append(f"| `{variable.name}` | `{path}` | {variable.meaning}{kept} |")
    for ending, key in environment.PLATFORM_SECRETS.items():
        name = f"{environment.PLATFORM_PREFIX}<ID>_{ending}"
        lines.append(f"| `{name}` | `platforms.available[<id>].{key}` | kept as a reference |")
    for name, meaning in environment.READ_ELSEWHERE.items():
        lines.append(f"| `{name}` | | {meaning} |")
    return "\n".join(lines)


def usual() -> str:
    """The variables of the platforms' own tools that make an account, as Markdown."""
    lines = ["| variable | account | type |", "|---|---|---|"]
    for each in USUAL:
        names = " or ".join(f"`{name}`" for name in each.tokens)
        if each.users:
            names += f", with {' or '.join(f'`{name}`' for name in each.users)} as the user"
        servers = " or ".join(f"`{name}`" for name in each.servers)
        host = f"`{each.host}`" if each.host else ""
        where = (
            f"{host}, or the server of {servers}" if host and servers else host or f"the server of {servers}"
        )
        lines.append(f"| {names} | {where} | `{each.type}` |")
    return "\n".join(lines)


def project_keys() -> str:
    """What a project's file may set, as Markdown."""
    own = sorted(project.ANOTHER_NAME.keys() | project.THE_WORKERS)
    return "\n".join(f"- `{path}`" for path in (*project.ALLOWED, *own))


# --- words about types -----------------------------------------------------------------------------


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for arg in get_args(annotation) if (model := _model_in(arg))), None)


def _values(field: FieldInfo) -> str:
    bounds = [str(bound) for part in field.metadata if (bound := _bound(part))]
    return ", ".join([_type(field.annotation), *bounds])


def _bound(part: object) -> str:
    match part:
        case Ge(least):
            return f"at least {least}"
        case Gt(least):
            return f"above {least}"
        case Le(most):
            return f"at most {most}"
        case _:
            return ""


_NAMES = {str: "text", int: "whole number", float: "number", bool: "true or false"}


def _type(annotation: Any) -> str:
    origin: Any = get_origin(annotation)
    arguments: tuple[Any, ...] = get_args(annotation)
    if annotation in _NAMES:
        return _NAMES[annotation]
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin is Annotated:
        limits = [
            bound for part in annotation.__metadata__ for piece in _pieces(part) if (bound := _bound(piece))
        ]
        return ", ".join([_type(arguments[0]), *limits])
    if origin in (Union, UnionType):
        return " or ".join(_type(argument) for argument in arguments if argument is not type(None))
    if origin is tuple:
        return f"list of {_type(arguments[0])}"
    if origin is dict or _model_in(annotation) is not None:
        return "object"
    return {Decimal: "US dollars"}[annotation]


def _pieces(part: object) -> list[object]:
    return part.metadata if isinstance(part, FieldInfo) else [part]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or isinstance(value, BaseModel) or value == () or value == {}:
        return ""
    if isinstance(value, tuple):
        return f"`{json.dumps(value)}`"
    text = json.dumps(value) if isinstance(value, bool | int | float | str) else f'"{value}"'
    return f"`{re.sub(r'[.]0$', '', text)}`"
