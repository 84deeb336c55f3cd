# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Whether a request to workloads is possible at all, and whether it fits them: pure.

The API server would refuse it as well, but only when it is the workload's turn, with those before it changed.
"""

from __future__ import annotations

import collections
import typing as t

from ..api.port import Object
from .fields.resources import is_quantity
from .pod_spec import containers
from .status import absent

_KINDS = ("limits", "requests")


def problems_of_request(
    workloads: t.Sequence[t.Mapping[str, t.Any]], live: t.Mapping[str, t.Mapping[str, Object]]
) -> t.Iterator[str]:
    """What is impossible in the request, one sentence each.

    :param live: the objects by kind and name.
    """
    for workload in workloads:
        yield from problems(workload)
    # Workloads go by their names, whatever their kinds.
    counts = collections.Counter(workload["name"] for workload in workloads)
    yield from (f"workload {name} is listed {count} times" for name, count in counts.items() if count > 1)
    for workload in workloads:
        of_kind = live[workload["kind"]]
        if workload["name"] in of_kind:
            yield from _misfits(workload, of_kind[workload["name"]])
        else:
            yield absent(workload["name"], of_kind, workload["kind"])


def _misfits(workload: t.Mapping[str, t.Any], obj: Object) -> t.Iterator[str]:
    """What this object cannot take."""
    what = f"{obj['kind']} {workload['name']}"
    known = [container["name"] for container in containers(obj["spec"]["template"])]
    for option in ("images", "env", "resources"):
        for container in workload.get(option) or {}:
            if container not in known:
                yield f"{what} has no container named {container}; it has: {', '.join(known)}"
    if obj["kind"] == "DaemonSet" and workload["replicas"] is not None:
        yield f"{what} takes no replicas: one pod runs on every node that it wants"


def problems(workload: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """Each names the option, what was found and what is allowed. Values of the environment are not shown."""
    name = workload["name"]
    for container, image in (workload.get("images") or {}).items():
        if not isinstance(image, str) or not image or any(sign.isspace() for sign in image):
            yield f"{name}: images of container {container}: found {image!r}; allowed: an image with its tag or digest"
    for option, what in (("env", "variables"), ("resources", "limits and requests")):
        for container, value in (workload.get(option) or {}).items():
            if not isinstance(value, dict):
                yield f"{name}: {option} of container {container}: found no dictionary; allowed: a dictionary of {what}"
            elif option == "env":
                yield from (
                    f"{name}: env of container {container}: found the name {variable!r}; allowed: one that is not empty and has no ="
                    for variable in value
                    if not variable or "=" in str(variable)
                )
            else:
                yield from (
                    f"{name}: resources of container {container}: {problem}" for problem in _resources(value)
                )


def _resources(value: dict[str, t.Any]) -> t.Iterator[str]:
    for kind, amounts in value.items():
        if kind not in _KINDS:
            yield f"found {kind}; allowed: {' and '.join(_KINDS)}"
        elif not isinstance(amounts, dict):
            yield f"{kind}: found {amounts!r}; allowed: a dictionary of quantities, as cpu and memory"
        else:
            for resource, amount in amounts.items():
                if amount is not None and not is_quantity(str(amount)):
                    yield f"{kind}, {resource}: found {amount}; allowed: a quantity, as 500m or 256Mi"
