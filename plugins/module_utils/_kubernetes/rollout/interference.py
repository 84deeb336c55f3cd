# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What somebody else did to a workload while it rolled out. Pure."""

from __future__ import annotations

from ..._common.errors import Conflict
from ..api.port import Object
from ..workload.fields.base import FieldValues
from ..workload.fields.values import differing, live, of_pod_template

_SHOWN = ("images", "resources")


def deleted(kind: str, name: str, namespace: str, is_replaced: bool) -> Conflict:
    another = ", and another one made" if is_replaced else ""
    return Conflict(
        f"{kind} {name} was deleted while it rolled out{another}.",
        then=f"create it again where it is missing (kubectl -n {namespace} get {kind.lower()} {name}); "
        "then run the release again",
    )


def foreign_change(workload: Object, desired: FieldValues, namespace: str) -> Conflict | None:
    """None as long as the pod template is what was desired."""
    target = of_pod_template(desired)
    now = live(workload, target)
    foreign = differing(now, target)
    if not foreign:
        return None
    kind, name = workload["kind"], workload["metadata"]["name"]
    who = last_writer(workload)
    shown = [
        f"{' '.join(path)}: desired {target[path]}, live {now.get(path)}"
        for path in foreign
        if path[0] in _SHOWN
    ]
    return Conflict(
        f"Somebody else changed {kind} {name} while it rolled out{f': {who}' if who else ''}.",
        why=shown or [f"{' '.join(path[:3])} is not what this release has set" for path in foreign],
        then=f"kubectl -n {namespace} get {kind.lower()} {name} -o yaml --show-managed-fields; "
        "then run the release again",
    )


def last_writer(workload: Object) -> str:
    """Who wrote the pod template last, other than ourselves, by the managed fields; '' where they do not say."""
    writers = [
        entry
        for entry in workload["metadata"].get("managedFields") or []
        if "f:template" in (entry.get("fieldsV1") or {}).get("f:spec", {})
        and entry.get("manager") != "runbook.release"
    ]
    newest = max(writers, key=lambda entry: str(entry.get("time", "")), default=None)
    return f"{newest['manager']} at {newest.get('time', 'an unknown time')}" if newest else ""
