# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The whole description of a platform, with what every target adds to it: the operation platform_info."""

from __future__ import annotations

import typing as t

from .._common.errors import InputError
from .._common.operation import Context, Operation, Result
from .._common.options import REQUIRED, Option

# Each registers what it adds to the description; a new target is a line here.
from .._kubernetes import section as _kubernetes
from .._platform import sections
from .._platform import settings as _settings
from .._platform.platform import Platform, platform
from .._postgresql import section as _postgresql
from .._redis import section as _redis

REGISTERED = (_settings, _kubernetes, _postgresql, _redis)
# A release waits for an API server that is away for so many seconds, before each request.
_RETRY_TIMEOUT = 60


def run(_ports: None, context: Context) -> Result:
    params = context.params
    found = platform(params["variables"])
    # Smoke checks are not among the results: their bodies may hold passwords, and a result is redacted.
    return Result(
        False,
        values={
            **found.values,
            "services": list(found.services),
            "waves": found.waves,
            "batches": found.batches(),
            "maintenance": found.maintenance(),
            "target": _target(params["groups"]),
            "connection": _connection(found),
        },
    )


def _target(groups: t.Sequence[str]) -> str:
    """The kind of target that a host is, by its groups; '' where it is none, as a database."""
    found = [target for target in sections.TARGETS if target in groups]
    if len(found) > 1:
        raise InputError(
            "A host is one kind of target; nothing was changed.",
            why=[f"groups: found {' and '.join(found)}; allowed: one of {', '.join(sections.TARGETS)}"],
            then="take the host out of the other group of the inventory",
        )
    return found[0] if found else ""


def _connection(found: Platform) -> dict[str, t.Any]:
    """For module_defaults of the action group kubernetes: only what was given."""
    values = found.values
    given = {name: values[name] for name in ("kubeconfig", "context") if values[name]}
    return {**given, "namespace": values["namespace"], "api_retry_timeout": _RETRY_TIMEOUT}


OPERATION = Operation(
    {
        "variables": Option("dict", REQUIRED),
        "groups": Option("list", [], each=Option("str")),
    },
    lambda context: None,
    run,
)
