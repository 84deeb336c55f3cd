# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Pod templates of older revisions: a Deployment's are its ReplicaSets,
the other kinds keep ControllerRevisions. Chosen by the owner's UID.
"""

from __future__ import annotations

import typing as t

from ..._common.errors import NotFound
from ..api.port import KubeApi, Object, controller_revisions, replica_sets
from . import status as workload
from .baseline import release_of
from .pod_spec import containers

# The Deployment controller adds it to the template of each ReplicaSet.
_HASH = "pod-template-hash"


class Revision(t.NamedTuple):
    """``release`` is the one that the revision was made by, as far as it
    is known; ``earlier`` the numbers it had before it was taken up again.
    """

    number: int
    template: Object
    release: str
    earlier: tuple[int, ...] = ()


def revisions(api: KubeApi, namespace: str, obj: Object) -> list[Revision]:
    """All that the cluster still has, oldest first."""
    if obj["kind"] == "Deployment":
        sets = [
            item
            for item in api.get(replica_sets(namespace))["items"]
            if _is_owned(item, obj) and workload.revision(item).isdigit()
        ]
        known = [
            Revision(
                int(workload.revision(item)),
                _without_hash(item["spec"]["template"]),
                release_of(item),
                _earlier(item),
            )
            for item in sets
        ]
    else:
        kept = [item for item in api.get(controller_revisions(namespace))["items"] if _is_owned(item, obj)]
        # What a ControllerRevision holds is itself a patch that replaces the template.
        known = [
            Revision(int(item["revision"]), _plain(item["data"]["spec"]["template"]), release_of(item))
            for item in kept
        ]
    return sorted(known, key=lambda revision: revision.number)


def numbered(api: KubeApi, namespace: str, obj: Object, number: int) -> Revision:
    known = revisions(api, namespace, obj)
    for revision in known:
        if number in (revision.number, *revision.earlier):
            return revision
    raise NotFound(
        _missing(obj, f"revision {number}", known),
        then=f"kubectl -n {namespace} rollout history {obj['kind'].lower()}/{obj['metadata']['name']}; nothing was changed",
    )


def running(api: KubeApi, namespace: str, obj: Object, images: dict[str, str]) -> Revision:
    """The newest one with exactly these images."""
    known = revisions(api, namespace, obj)
    for revision in reversed(known):
        own = {container["name"]: container["image"] for container in containers(revision.template)}
        if all(own.get(container) == image for container, image in images.items()):
            return revision
    raise NotFound(_missing(obj, "revision with " + ", ".join(images.values()), known))


def _missing(obj: Object, desired: str, known: list[Revision]) -> str:
    numbers = ", ".join(str(revision.number) for revision in known) or "none"
    kept = obj["spec"].get("revisionHistoryLimit", 10)
    return f"{obj['kind']} {obj['metadata']['name']} has no {desired} (any more); it has: {numbers} (its revisionHistoryLimit is {kept})"


def _is_owned(item: Object, obj: Object) -> bool:
    reference = workload.owner(item, obj["kind"])
    return reference is not None and bool(reference["uid"] == obj["metadata"]["uid"])


def _earlier(replica_set: Object) -> tuple[int, ...]:
    """A ReplicaSet that is used again gets a new number; the controller keeps those it had."""
    kept = (replica_set["metadata"].get("annotations") or {}).get(
        "deployment.kubernetes.io/revision-history", ""
    )
    return tuple(int(number) for number in kept.split(",") if number.isdigit())


def _without_hash(template: Object) -> Object:
    metadata = dict(template.get("metadata") or {})
    metadata["labels"] = {key: value for key, value in (metadata.get("labels") or {}).items() if key != _HASH}
    return {**template, "metadata": metadata}


def _plain(template: Object) -> Object:
    return {key: value for key, value in template.items() if key != "$patch"}
