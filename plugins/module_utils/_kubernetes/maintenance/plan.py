# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What maintenance mode changes, and the way back. Pure.

What was live before is remembered on the object, in the patch that changes it, so that leaving maintenance
needs nothing but the cluster. Only what still is as maintenance set it is restored: what a release or a
person has changed since is theirs. A workload that an autoscaler owns is scaled by the autoscaler's minReplicas.
"""

from __future__ import annotations

import json
import typing as t

from ..._common.errors import InputError
from ..api.port import Object
from ..workload.change import Change
from ..workload.fields import values as fields
from ..workload.fields.base import FieldValues

MARK = "runbook.release/maintenance"
MIN_REPLICAS = "minReplicas"


class MinReplicas(t.NamedTuple):
    """The change of one HorizontalPodAutoscaler; ``patch`` is empty when nothing has to change."""

    name: str
    before: int
    after: int
    patch: Object

    def __str__(self) -> str:
        return f"minReplicas of HorizontalPodAutoscaler {self.name} {self.before} -> {self.after}"


def enter(
    workload: t.Mapping[str, t.Any], live: Object, autoscaler: Object | None, timeout: int
) -> tuple[Change, MinReplicas | None]:
    """What maintenance does to one workload.

    :param autoscaler: the one of the workload, if there is one.
    """
    desired = fields.desired(workload)
    lowered = None
    # An autoscaler leaves a workload with 0 replicas alone, so 0 is written to the workload itself.
    if autoscaler is not None and desired.get(("replicas",)):
        lowered = _lowered(autoscaler, desired.pop(("replicas",)))
    before = fields.live(live, desired)
    patch: Object = {}
    if fields.differing(before, desired):
        patch = fields.patch(live, before, desired, {MARK: _new_mark(live, before, desired)})
    return Change.of(live, before, desired, patch, timeout=timeout), lowered


def leave(live: Object, timeout: int) -> tuple[Change, list[str]]:
    """The way back of a marked workload, and what stays because somebody else has changed it since."""
    mark = mark_of(live)
    before_maintenance, ours = fields.flat(mark["before"]), _set_by(mark)
    now = fields.live(live, before_maintenance)
    comparable = {path: ours[path] for path in before_maintenance if path in ours and path in now}
    theirs = set(fields.differing(now, comparable))
    after = {path: value for path, value in before_maintenance.items() if path in now and path not in theirs}
    differing = fields.differing(now, before_maintenance)
    stays = [" ".join(path) for path in before_maintenance if path in theirs and path in differing]
    patch = fields.patch(live, now, after, {MARK: None})
    return Change.of(live, now, after, patch, timeout=timeout), stays


def restored_min_replicas(autoscaler: Object) -> MinReplicas:
    """Restores minReplicas of an autoscaler in maintenance mode, unless somebody else has changed it since."""
    mark, now = mark_of(autoscaler), autoscaler["spec"].get(MIN_REPLICAS, 1)
    after = mark["before"] if now == mark["set"] else now
    return MinReplicas(autoscaler["metadata"]["name"], now, after, _patch(autoscaler, after, None))


def mark_of(obj: Object) -> dict[str, t.Any]:
    annotations = obj["metadata"].get("annotations") or {}
    return t.cast("dict[str, t.Any]", json.loads(annotations.get(MARK, "{}")))


def _lowered(autoscaler: Object, desired: int) -> MinReplicas:
    spec, name = autoscaler["spec"], autoscaler["metadata"]["name"]
    now = spec.get(MIN_REPLICAS, 1)
    if desired > spec["maxReplicas"]:
        raise InputError(
            f"workloads: HorizontalPodAutoscaler {name} allows {spec['maxReplicas']} replicas at most, "
            f"{desired} are asked for; nothing was changed.",
            then="ask for fewer, or raise its maxReplicas",
        )
    before = mark_of(autoscaler).get("before", now)
    patch = {} if now == desired else _patch(autoscaler, desired, _text({"before": before, "set": desired}))
    return MinReplicas(name, now, desired, patch)


def _new_mark(live: Object, before: FieldValues, desired: FieldValues) -> str:
    """With what an earlier entering of maintenance has remembered already."""
    mark = mark_of(live)
    remembered = {
        path: value
        for path, value in fields.flat(mark.get("before", {})).items()
        if path in desired or path in _set_by(mark)
    }
    return _text(
        {
            "before": fields.nested({**before, **remembered}),
            "set": fields.nested({**_set_by(mark), **desired}),
        }
    )


def _set_by(mark: t.Mapping[str, t.Any]) -> FieldValues:
    return fields.flat(mark.get("set", {}))


def _patch(autoscaler: Object, min_replicas: int, mark: str | None) -> Object:
    metadata = autoscaler["metadata"]
    return {
        "metadata": {
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
            "annotations": {MARK: mark},
        },
        "spec": {MIN_REPLICAS: min_replicas},
    }


def _text(mark: t.Mapping[str, t.Any]) -> str:
    return json.dumps(mark, separators=(",", ":"), sort_keys=True)
