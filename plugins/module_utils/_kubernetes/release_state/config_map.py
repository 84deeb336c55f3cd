# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The record of a release in the cluster: one ConfigMap a release, one key an entry."""

from __future__ import annotations

import re
import typing as t

from ..._common.errors import Conflict, NotFound
from ..._common.operation import Clock
from ..._release.record import Record
from ..api.port import MERGE, KubeApi, Object, config_maps

LABEL = "runbook.release/record"


def name_of(release: str) -> str:
    """The ConfigMap's name: an RFC 1123 subdomain, as close to the release as that allows."""
    return "release-" + re.sub(r"[^a-z0-9.-]+", "-", release.lower()).strip("-.")


def record_of(api: KubeApi, namespace: str, release: str, clock: Clock) -> Record:
    return Record(ConfigMapStore(api, namespace, release), clock)


class ConfigMapStore:
    """See :class:`RecordStore`."""

    def __init__(self, api: KubeApi, namespace: str, release: str) -> None:
        self._api = api
        self._release = release
        self._collection = config_maps(namespace)
        self._path = f"{self._collection}/{name_of(release)}"

    def read(self) -> dict[str, str]:
        try:
            return t.cast("dict[str, str]", self._api.get(self._path).get("data") or {})
        except NotFound:
            return {}

    def write(self, data: t.Mapping[str, str], create: bool) -> None:
        if create:
            metadata = {
                "name": name_of(self._release),
                "labels": {LABEL: "true"},
                "annotations": {"runbook.release/release": self._release},
            }
            body: Object = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": metadata,
                "data": dict(data),
            }
            try:
                self._api.post(self._collection, body)
                return
            except Conflict:
                pass  # somebody, or a first try of this very request, was quicker
        self._api.patch(self._path, {"data": dict(data)}, MERGE)
