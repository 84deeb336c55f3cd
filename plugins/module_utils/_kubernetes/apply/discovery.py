# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Which kinds the API server has, and where. It is read once for each group and version that is used."""

from __future__ import annotations

import typing as t

from ..._common.errors import NotFound
from ..._common.options import did_you_mean
from ..api.port import KubeApi, Object
from .manifests import DEFINITION, Manifest


class Resource(t.NamedTuple):
    """``served``: it can be read and written now; else a
    definition that is applied with it has to come first.
    """

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    served: bool = True

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def collection(self, namespace: str = "") -> str:
        return f"{_root(self.group, self.version)}{f'/namespaces/{namespace}' if self.namespaced else ''}/{self.plural}"


class Resources:
    """Knows the kinds of the cluster, and those that the manifests themselves define."""

    def __init__(self, api: KubeApi, manifests: t.Iterable[Manifest] = ()) -> None:
        self._api = api
        self._resources: dict[tuple[str, str], dict[str, Resource]] = {}
        self._versions: dict[str, list[str]] = {}
        self._defined: dict[tuple[str, str, str], Resource] = {}
        for manifest in manifests:
            if manifest.kind == DEFINITION:
                self._defined.update(_defined(manifest.body.get("spec") or {}))

    def find(self, group: str, version: str, kind: str) -> Resource | None:
        return self._served(group, version).get(kind) or self._defined.get((group, version, kind))

    def of_kind(self, group: str, kind: str) -> Resource | None:
        """In whichever version the API server prefers; None when it has no such kind (any more)."""
        for version in self._versions_of(group):
            resource = self._served(group, version).get(kind)
            if resource:
                return resource
        return None

    def unknown(self, manifest: Manifest) -> str:
        """The problem of a manifest whose kind the cluster does not have."""
        group, kind = manifest.group, manifest.kind
        version = manifest.api_version.rpartition("/")[2]
        served = self._served(group, version)
        elsewhere = self.of_kind(group, kind)
        if elsewhere:
            return f"the cluster does not serve {kind} in {manifest.api_version}; it does in {elsewhere.api_version}"
        if served:
            return f"there is no kind {kind} in {manifest.api_version}{did_you_mean(kind, served)}"
        return f"the cluster does not serve {manifest.api_version}, and no CustomResourceDefinition of {kind} is among the manifests"

    def _served(self, group: str, version: str) -> dict[str, Resource]:
        if (group, version) not in self._resources:
            try:
                listed = self._api.get(_root(group, version))["resources"]
            except NotFound:
                listed = []
            self._resources[group, version] = {
                item["kind"]: Resource(group, version, item["kind"], item["name"], item["namespaced"])
                for item in listed
                if "/" not in item["name"]
            }
        return self._resources[group, version]

    def _versions_of(self, group: str) -> list[str]:
        if not group:
            return ["v1"]
        if group not in self._versions:
            try:
                group_list = self._api.get(f"/apis/{group}")
            except NotFound:
                group_list = {}
            versions = [item["version"] for item in group_list.get("versions") or []]
            first = (group_list.get("preferredVersion") or {}).get("version")
            self._versions[group] = sorted(versions, key=lambda version: version != first)
        return self._versions[group]


def _defined(spec: Object) -> dict[tuple[str, str, str], Resource]:
    """Of a definition's spec; what is wrong with it is the API server's to say."""
    group, names = spec.get("group", ""), spec.get("names") or {}
    return {
        (group, version.get("name", ""), names.get("kind", "")): Resource(
            group,
            version.get("name", ""),
            names.get("kind", ""),
            names.get("plural", ""),
            spec.get("scope") == "Namespaced",
            served=False,
        )
        for version in spec.get("versions") or []
    }


def _root(group: str, version: str) -> str:
    return f"/apis/{group}/{version}" if group else f"/api/{version}"
