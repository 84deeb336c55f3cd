# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The fields of a workload as one flat mapping, and the patch from what is live to what is desired. Pure.

So what is compared, changed, recorded and restored is always the same list. Only what the
user names is in it: everything else on the workload belongs to somebody else.
"""

from __future__ import annotations

import typing as t

from ...api.port import Object
from .base import FieldValues, NotThere, Path
from .registry import FIELDS
from .template import hash_of, images_of

__all__ = ["FieldValues", "Path"]


def flat(nested: t.Mapping[str, t.Any]) -> FieldValues:
    """Of what :func:`nested` gives; other keys are left out."""
    found: FieldValues = {}
    for key, field in FIELDS.items():
        if key in nested:
            found.update(_leaves((key,), nested[key], field.depth))
    return found


def _leaves(path: Path, value: t.Any, depth: int) -> t.Iterator[tuple[Path, t.Any]]:
    if depth == 0:
        yield path, value
        return
    for name, inner in (value or {}).items():
        yield from _leaves((*path, name), inner, depth - 1)


def nested(values: FieldValues) -> dict[str, t.Any]:
    """As it stands in results, in the record and in the
    baseline: ``{"images": {"wallet": ...}, "replicas": 3}``.
    """
    found: dict[str, t.Any] = {}
    for path, value in values.items():
        into = found
        for name in path[:-1]:
            into = into.setdefault(name, {})
        into[path[-1]] = value
    return found


def desired(workload: t.Mapping[str, t.Any]) -> FieldValues:
    """What the user wants of one workload, in the shape of the API server."""
    found: FieldValues = {}
    for field in FIELDS.values():
        found.update(field.desired(workload))
    return found


def live(obj: Object, paths: t.Iterable[Path]) -> FieldValues:
    """The live values of these fields. Those of a container that does not exist are left out."""
    found: FieldValues = {}
    for path in paths:
        try:
            found[path] = FIELDS[path[0]].live(obj, path)
        except NotThere:
            continue
    return found


def differing(before: FieldValues, after: FieldValues) -> list[Path]:
    return [path for path in after if not FIELDS[path[0]].same(before.get(path), after[path])]


def of_pod_template(values: FieldValues) -> FieldValues:
    """Without what may change while the pods stay as they are: an autoscaler's replicas, the strategy."""
    return {path: value for path, value in values.items() if FIELDS[path[0]].of_template}


def patch(
    obj: Object, before: FieldValues, after: FieldValues, annotations: t.Mapping[str, str | None]
) -> Object:
    """The strategic merge patch: only what changes.

    The UID and version say for which object it was made: one
    that was re-created or written in the meantime is refused (409).
    """
    metadata = {
        "uid": obj["metadata"]["uid"],
        "resourceVersion": obj["metadata"]["resourceVersion"],
        "annotations": dict(annotations),
    }
    spec: Object = {}
    for path in differing(before, after):
        FIELDS[path[0]].patch(spec, obj, path, before.get(path), after[path])
    return {"metadata": metadata, **({"spec": spec} if spec else {})}


def images(values: FieldValues) -> dict[str, str]:
    """Images by container, also where a whole pod template is meant."""
    if ("template",) in values:
        return images_of(values[("template",)])
    return {path[1]: image for path, image in values.items() if path[0] == "images"}


def config_text(values: FieldValues) -> str | None:
    """Names and hashes of the configuration, also where a whole pod template is meant."""
    if ("template",) in values:
        return hash_of(values[("template",)])
    return t.cast("str | None", values.get(("config",)))
