# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What ran before the release: kept on the workload itself, written in the patch that changes it.

So rolling back needs nothing but the cluster, and no moment exists at which the change is there and its undoing is not.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ._port import Object
from ._workload import images, revision

RELEASE = "runbook.release/release"
BASELINE = "runbook.release/baseline"
UNDONE = "runbook.release/rolled-back"


@dataclasses.dataclass(frozen=True)
class Baseline:
    """Images by container and replicas before the release; ``release`` is the one that ran then ('' when unknown)."""

    images: dict[str, str]
    replicas: int
    release: str
    revision: str
    wave: int

    def as_text(self) -> str:
        return json.dumps(dataclasses.asdict(self), separators=(",", ":"), sort_keys=True)


def release_of(deployment: Object) -> str:
    return str(_annotations(deployment).get(RELEASE, ""))


def recorded(deployment: Object, release: str) -> Baseline | None:
    """The baseline that this release recorded; None when it has not touched the workload, or was undone."""
    text = _annotations(deployment).get(BASELINE)
    if not text or release_of(deployment) != release:
        return None
    kept = json.loads(text)
    return Baseline(**{field.name: kept[field.name] for field in dataclasses.fields(Baseline)})


def observed(deployment: Object, wave: int) -> Baseline:
    return Baseline(images(deployment), deployment["spec"].get("replicas", 1), release_of(deployment), revision(deployment), wave)


def body(deployment: Object, wanted: dict[str, str], replicas: int | None, annotations: dict[str, str | None]) -> Object:
    """The strategic merge patch: only what changes, and the UID, so that a re-created object is refused (409)."""
    spec: dict[str, t.Any] = {}
    if wanted:
        spec["template"] = {"spec": {"containers": [{"name": name, "image": image} for name, image in wanted.items()]}}
    if replicas is not None:
        spec["replicas"] = replicas
    return {"metadata": {"uid": deployment["metadata"]["uid"], "annotations": annotations}, **({"spec": spec} if spec else {})}


def _annotations(deployment: Object) -> dict[str, str]:
    return deployment["metadata"].get("annotations") or {}
