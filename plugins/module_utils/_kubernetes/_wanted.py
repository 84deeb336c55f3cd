# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Whether what is asked of a workload can be at all: pure, before anything is looked up.

The API server would refuse it as well, but only when it is the workload's turn, with the waves before it rolled out.
"""

from __future__ import annotations

import typing as t

from ._parts import is_quantity

_KINDS = ("limits", "requests")


def problems(workload: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """Each names the option, what was found and what is allowed. Values of the environment are not told."""
    name = workload["name"]
    for option, least in (("replicas", 0), ("timeout", 1)):
        if workload[option] is not None and workload[option] < least:
            yield f"{name}: {option}: found {workload[option]}; allowed: {least} or more"
    for container, image in (workload["images"] or {}).items():
        if not isinstance(image, str) or not image or any(sign.isspace() for sign in image):
            yield f"{name}: images of container {container}: found {image!r}; allowed: an image with its tag or digest"
    for option, what in (("env", "variables"), ("resources", "limits and requests")):
        for container, value in (workload[option] or {}).items():
            if not isinstance(value, dict):
                yield f"{name}: {option} of container {container}: found no dictionary; allowed: a dictionary of {what}"
            elif option == "env":
                yield from (
                    f"{name}: env of container {container}: found the name {variable!r}; allowed: one that is not empty and has no ="
                    for variable in value
                    if not variable or "=" in str(variable)
                )
            else:
                yield from (f"{name}: resources of container {container}: {said}" for said in _resources(value))


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
