# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Manifests as they were given: which they are, what is
wrong with them, in which order they are applied. Pure.
"""

from __future__ import annotations

import copy
import dataclasses
import typing as t

from ..._common.options import describe
from ..api.port import Object

# What has to be there before what: definitions, permissions and configuration before the pods
# that use them, routes after them. Kinds that are not listed (custom resources above all) stand
# where the empty name is, since nobody knows what they need.
_ORDER = (
    *("Namespace", "CustomResourceDefinition"),
    *(
        "PriorityClass",
        "StorageClass",
        "IngressClass",
        "RuntimeClass",
        "ResourceQuota",
        "LimitRange",
        "NetworkPolicy",
        "PersistentVolume",
    ),
    *("ServiceAccount", "ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding"),
    *("ConfigMap", "Secret", "PersistentVolumeClaim", "Service", "PodDisruptionBudget"),
    *(
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "ReplicaSet",
        "Pod",
        "Job",
        "CronJob",
        "HorizontalPodAutoscaler",
    ),
    *("Ingress", "HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "VirtualService", "IngressRoute"),
    "",
    # They stand in the way of all that comes after them.
    *(
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "MutatingWebhookConfiguration",
        "APIService",
    ),
)
_RANKS = {kind: rank for rank, kind in enumerate(_ORDER)}
DEFINITION = "CustomResourceDefinition"
# What the API server writes. Manifests that were read from a
# cluster hold it, and server-side apply refuses it.
SERVERS = ("managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink")

Key = tuple[str, str, str, str]


class Document(t.NamedTuple):
    """One document of the input, and where it stands."""

    origin: str
    value: t.Any


@dataclasses.dataclass(frozen=True)
class Manifest:
    """``body`` is what is applied."""

    origin: str
    body: Object

    @property
    def api_version(self) -> str:
        return str(self.body["apiVersion"])

    @property
    def group(self) -> str:
        return self.api_version.rpartition("/")[0]

    @property
    def kind(self) -> str:
        return str(self.body["kind"])

    @property
    def name(self) -> str:
        return str(self.body["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """'' where none is named, and for what belongs to the whole cluster."""
        return str(self.body["metadata"].get("namespace") or "")

    @property
    def key(self) -> Key:
        """The same object, whichever version of its group a manifest uses."""
        return self.group, self.kind, self.namespace, self.name

    def __str__(self) -> str:
        return named(self.kind, self.namespace, self.name)

    def moved(self, namespace: str) -> Manifest:
        """The same in this namespace; without one when it is ''."""
        metadata = {key: value for key, value in self.body["metadata"].items() if key != "namespace"}
        return dataclasses.replace(
            self,
            body={**self.body, "metadata": {**metadata, **({"namespace": namespace} if namespace else {})}},
        )


def rank(kind: str) -> int:
    """Where objects of the kind stand in the order of an apply; they are deleted the other way round."""
    return _RANKS.get(kind, _RANKS[""])


def named(kind: str, namespace: str, name: str) -> str:
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def accepted(documents: t.Iterable[Document], problems: list[str]) -> list[Manifest]:
    """The manifests among the documents, Lists taken apart;
    what is wrong with the others is appended to ``problems``.
    """
    manifests = []
    for origin, value in documents:
        if value is None:
            continue  # nothing between two separators, or comments alone
        wrong = _wrong(value)
        if wrong:
            problems += [f"{origin}: {problem}" for problem in wrong]
        elif value["kind"].endswith("List") and isinstance(value.get("items"), list):
            manifests += accepted(
                (Document(f"{origin}, items[{index}]", item) for index, item in enumerate(value["items"])),
                problems,
            )
        else:
            manifests.append(Manifest(origin, _cleaned(value)))
    return manifests


def _wrong(value: t.Any) -> list[str]:
    if not isinstance(value, dict):
        return [f"found {describe(value)}; allowed: a manifest (apiVersion, kind, metadata.name)"]
    wrong = [_not_text(key, value.get(key)) for key in ("apiVersion", "kind") if not _is_text(value.get(key))]
    if not wrong and value["kind"].endswith("List") and isinstance(value.get("items"), list):
        return []
    metadata = value.get("metadata")
    if not isinstance(metadata, dict):
        wrong.append(
            f"metadata: {'is missing' if metadata is None else f'found {describe(metadata)}'}; allowed: a dictionary with a name"
        )
        return wrong
    if not _is_text(metadata.get("name")):
        why = (
            " (generateName makes a new object every time; an apply needs to know which one it was)"
            if metadata.get("generateName")
            else ""
        )
        wrong.append(_not_text("metadata.name", metadata.get("name")) + why)
    if metadata.get("namespace") is not None and not _is_text(metadata["namespace"]):
        wrong.append(_not_text("metadata.namespace", metadata["namespace"]))
    for key in ("labels", "annotations"):
        pairs = metadata.get(key)
        if pairs is not None and not isinstance(pairs, dict):
            wrong.append(f"metadata.{key}: found {describe(pairs)}; allowed: a dictionary of strings")
        # YAML's 1.10, true and 2026-01-01 are not strings; the API server says neither where nor what.
        for name, item in (pairs or {}).items() if isinstance(pairs, dict) else ():
            if not isinstance(item, str):
                wrong.append(f"metadata.{key}.{name}: found {describe(item)}; allowed: a string (in quotes)")
    return wrong


def _is_text(value: t.Any) -> bool:
    return isinstance(value, str) and bool(value)


def _not_text(where: str, value: t.Any) -> str:
    return (
        f"{where}: "
        + ("is missing" if value in (None, "") else f"found {describe(value)}")
        + "; allowed: a string"
    )


def _cleaned(value: Object) -> Object:
    metadata = {key: item for key, item in value["metadata"].items() if key not in SERVERS}
    return copy.deepcopy(
        {**{key: item for key, item in value.items() if key != "status"}, "metadata": metadata}
    )


def repeated(manifests: t.Iterable[Manifest]) -> list[str]:
    """Two manifests of one object: the second would undo the first, and every run would change both."""
    first: dict[Key, Manifest] = {}
    problems = []
    for manifest in manifests:
        other = first.setdefault(manifest.key, manifest)
        if other is not manifest:
            problems.append(f"{manifest.origin}: {manifest} was described before, in {other.origin}")
    return problems


def in_order(manifests: t.Iterable[Manifest]) -> list[Manifest]:
    return sorted(manifests, key=lambda manifest: rank(manifest.kind))
