# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The set of objects that belong together, so that what is no longer among the manifests can be deleted.

ApplySet specification, KEP-3659 (kubernetes/enhancements), as ``kubectl apply --prune
--applyset`` has it: a parent object holds the kinds and namespaces of the members, a label
marks the members. kubectl refuses the sets of other tools, so the tool is called ``kubectl``
here: it can go on from what we left, and we from what it left.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import typing as t

from ..._common.errors import InputError, NotFound
from ..api.port import KubeApi, Object
from .discovery import Resource, Resources
from .manifests import DEFINITION, Key, Manifest, named

ID, PART_OF = "applyset.kubernetes.io/id", "applyset.kubernetes.io/part-of"
_TOOLING = "applyset.kubernetes.io/tooling"
_KINDS = "applyset.kubernetes.io/contains-group-kinds"
_NAMESPACES = "applyset.kubernetes.io/additional-namespaces"
_TOOL = "kubectl/v1.27.0+runbook.release"
_PARENTS = {"configmap": "ConfigMap", "configmaps": "ConfigMap", "secret": "Secret", "secrets": "Secret"}
# Deleting one deletes what is in no set: all that is in a
# namespace, all objects of a kind, the data on a volume.
SPARED = ("Namespace", DEFINITION, "PersistentVolumeClaim", "PersistentVolume")


class Scope(t.NamedTuple):
    """Where members are: kinds (group, kind), and namespaces beside the parent's."""

    kinds: frozenset[tuple[str, str]] = frozenset()
    namespaces: frozenset[str] = frozenset()

    def union(self, other: Scope) -> Scope:
        return Scope(self.kinds | other.kinds, self.namespaces | other.namespaces)


@dataclasses.dataclass(frozen=True)
class Parent:
    """The object that the set is known by, as kubectl's option
    --applyset names it: ``configmap/NAME``; a bare name is a Secret.
    """

    kind: str
    name: str
    namespace: str

    @property
    def id(self) -> str:
        digest = hashlib.sha256(".".join((self.name, self.namespace, self.kind, "")).encode()).digest()
        return f"applyset-{base64.urlsafe_b64encode(digest).decode().rstrip('=')}-v1"

    @property
    def path(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/{self.kind.lower()}s/{self.name}"

    def __str__(self) -> str:
        return named(self.kind, self.namespace, self.name)

    def body(self, scope: Scope, tooling: str) -> Object:
        annotations = {
            _TOOLING: tooling or _TOOL,
            _KINDS: ",".join(sorted(f"{kind}.{group}" if group else kind for group, kind in scope.kinds)),
            _NAMESPACES: ",".join(sorted(scope.namespaces - {self.namespace})),
        }
        metadata = {
            "name": self.name,
            "namespace": self.namespace,
            "labels": {ID: self.id},
            "annotations": annotations,
        }
        return {"apiVersion": "v1", "kind": self.kind, "metadata": metadata}


def parent(text: str, namespace: str) -> Parent:
    resource, slash, name = text.rpartition("/")
    kind = _PARENTS.get(resource.lower()) if slash else "Secret"
    if not kind or not name:
        raise InputError(
            "The name of the ApplySet cannot be used; nothing was changed.",
            why=[
                f"applyset: found {text!r}; allowed: configmap/NAME, secret/NAME, or a NAME alone, which is a Secret as with kubectl"
            ],
            then="correct applyset",
        )
    return Parent(kind, name, namespace)


def scope_of(manifests: t.Iterable[Manifest]) -> Scope:
    manifests = list(manifests)
    return Scope(
        frozenset((m.group, m.kind) for m in manifests),
        frozenset(m.namespace for m in manifests if m.namespace),
    )


def labelled(manifest: Manifest, of: Parent) -> Manifest:
    """As a member of the set."""
    metadata = manifest.body["metadata"]
    return dataclasses.replace(
        manifest,
        body={
            **manifest.body,
            "metadata": {**metadata, "labels": {**(metadata.get("labels") or {}), PART_OF: of.id}},
        },
    )


class Set:
    """The set as it is in the cluster."""

    def __init__(self, api: KubeApi, of: Parent) -> None:
        self.parent = of
        self._api = api
        self.exists, self.recorded, self._tooling = self._read()

    def _read(self) -> tuple[bool, Scope, str]:
        try:
            obj = self._api.get(self.parent.path)
        except NotFound:
            return False, Scope(), ""
        annotations = obj["metadata"].get("annotations") or {}
        labels = obj["metadata"].get("labels") or {}
        tooling = str(annotations.get(_TOOLING, ""))
        wrong = []
        if tooling.rpartition("/")[0] != "kubectl":
            wrong.append(
                f"annotation {_TOOLING}: found {tooling or 'nothing'}; allowed: kubectl/VERSION, else the set is another tool's"
            )
        if labels.get(ID) != self.parent.id:
            wrong.append(f"label {ID}: found {labels.get(ID) or 'nothing'}; allowed: {self.parent.id}")
        if wrong:
            raise InputError(
                f"{self.parent} exists and is not the parent of this ApplySet; nothing was changed.",
                why=wrong,
                then="give the ApplySet a name that is free",
            )
        kinds = frozenset(
            (group, kind)
            for kind, _dot, group in (item.partition(".") for item in _items(annotations, _KINDS))
        )
        return True, Scope(kinds, frozenset(_items(annotations, _NAMESPACES))), tooling

    def record(self, scope: Scope) -> bool:
        """Writes where members are, when it is not written yet; whether it did."""
        if self.exists and self._annotations(scope) == self._annotations(self.recorded):
            return False
        # Forced: the label and annotations of a set belong to whoever manages it; kubectl does the same.
        self._api.apply(self.parent.path, self.parent.body(scope, self._tooling), force=True)
        self.exists = True
        self.recorded = scope
        return True

    def differs(self, scope: Scope) -> bool:
        return not self.exists or self._annotations(scope) != self._annotations(self.recorded)

    def _annotations(self, scope: Scope) -> t.Any:
        return self.parent.body(scope, self._tooling)["metadata"]["annotations"]

    def places(self, resources: Resources) -> list[tuple[Resource, str]]:
        """Where members can be, as the parent says."""
        if not self.exists:
            return []
        places = []
        all_namespaces = sorted(self.recorded.namespaces | {self.parent.namespace})
        for group, kind in sorted(self.recorded.kinds):
            resource = resources.of_kind(group, kind)
            if resource is not None:  # else its definition is gone, and with it the objects
                namespaces = all_namespaces if resource.namespaced else [""]
                places += [(resource, namespace) for namespace in namespaces]
        return places

    def members(self, resources: Resources) -> list[tuple[Resource, Object]]:
        """All objects that carry the label."""
        members = []
        for resource, namespace in self.places(resources):
            listing = self._api.get(
                f"{resource.collection(namespace)}?labelSelector={PART_OF}%3D{self.parent.id}"
            )
            # Items of a list do not say what they are; a Secret has to.
            members += [
                (resource, {"apiVersion": resource.api_version, "kind": resource.kind, **item})
                for item in listing["items"]
            ]
        return members


def obsolete(
    members: t.Iterable[tuple[Resource, Object]], of: Parent, desired: t.Collection[Key]
) -> list[tuple[Resource, Object]]:
    """Members that no manifest describes. Never what a controller made, nor what is being deleted already."""
    left_over = []
    for resource, obj in members:
        meta = obj["metadata"]
        described = (resource.group, resource.kind, meta.get("namespace", ""), meta["name"]) in desired
        owned = any(reference.get("controller") for reference in meta.get("ownerReferences") or [])
        if (meta.get("labels") or {}).get(PART_OF) == of.id and not (
            described or owned or meta.get("deletionTimestamp")
        ):
            left_over.append((resource, obj))
    return left_over


def _items(annotations: Object, key: str) -> list[str]:
    return [item for item in str(annotations.get(key, "")).split(",") if item]
