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


def revisions(api: KubeApi, namespace: str, thing: Object) -> list[Revision]:
    """All that the cluster still has, oldest first."""
    if thing["kind"] == "Deployment":
        sets = [
            item
            for item in api.get(replica_sets(namespace))["items"]
            if _is_owned(item, thing) and workload.revision(item).isdigit()
        ]
        found = [
            Revision(
                int(workload.revision(item)),
                _without_hash(item["spec"]["template"]),
                release_of(item),
                _earlier(item),
            )
            for item in sets
        ]
    else:
        kept = [item for item in api.get(controller_revisions(namespace))["items"] if _is_owned(item, thing)]
        # What a ControllerRevision holds is itself a patch that replaces the template.
        found = [
            Revision(int(item["revision"]), _plain(item["data"]["spec"]["template"]), release_of(item))
            for item in kept
        ]
    return sorted(found, key=lambda revision: revision.number)


def numbered(api: KubeApi, namespace: str, thing: Object, number: int) -> Revision:
    there = revisions(api, namespace, thing)
    for revision in there:
        if number in (revision.number, *revision.earlier):
            return revision
    raise NotFound(
        _missing(thing, f"revision {number}", there),
        then=f"kubectl -n {namespace} rollout history {thing['kind'].lower()}/{thing['metadata']['name']}; nothing was changed",
    )


def running(api: KubeApi, namespace: str, thing: Object, images: dict[str, str]) -> Revision:
    """The newest one with exactly these images."""
    there = revisions(api, namespace, thing)
    for revision in reversed(there):
        own = {container["name"]: container["image"] for container in containers(revision.template)}
        if all(own.get(container) == image for container, image in images.items()):
            return revision
    raise NotFound(_missing(thing, "revision with " + ", ".join(images.values()), there))


def _missing(thing: Object, wanted: str, there: list[Revision]) -> str:
    numbers = ", ".join(str(revision.number) for revision in there) or "none"
    kept = thing["spec"].get("revisionHistoryLimit", 10)
    return f"{thing['kind']} {thing['metadata']['name']} has no {wanted} (any more); it has: {numbers} (its revisionHistoryLimit is {kept})"


def _is_owned(item: Object, thing: Object) -> bool:
    reference = workload.owner(item, thing["kind"])
    return reference is not None and bool(reference["uid"] == thing["metadata"]["uid"])


def _earlier(replica_set: Object) -> tuple[int, ...]:
    """A ReplicaSet that is taken up again gets a new number; the controller keeps those it had."""
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
