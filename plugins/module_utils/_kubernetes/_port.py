# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The Kubernetes API as the operations need it."""

from __future__ import annotations

import typing as t

Object = dict[str, t.Any]

STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"

# What `follow` yields besides ADDED, MODIFIED and DELETED.
SYNC = "SYNC"  # the object is a fresh list that replaces everything known of that path
TICK = "TICK"  # nothing happened for about a second


class Event(t.NamedTuple):
    """A change that the API server told of. ``path`` is the one asked for; empty for a TICK."""

    path: str
    type: str
    object: Object


class KubeApi(t.Protocol):
    """Paths begin with /api or /apis. Errors are those of ``_common._errors``: NotFound, Conflict, Unavailable, ReleaseError."""

    def get(self, path: str) -> Object:
        """An object, or a list with the version to watch it from."""

    def text(self, path: str) -> str:
        """What is no JSON: the log of a container."""

    def post(self, path: str, body: Object) -> Object:
        """Creates an object in this collection."""

    def patch(self, path: str, body: Object, content_type: str = STRATEGIC) -> Object:
        """Changes an object, and gives it as it is then."""

    def put(self, path: str, body: Object) -> Object:
        """Replaces an object; raises Conflict when it is no longer the version that the body names."""

    def time(self) -> float:
        """Seconds since the epoch by the API server's clock, which all controllers share."""

    def follow(self, paths: t.Mapping[str, str], seconds: float) -> t.Iterator[Event]:
        """Watches all paths at once for that long.

        :param paths: collection path -> resource version to begin after; an empty one begins with a SYNC.
        """


def deployments(namespace: str) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/deployments"


def replica_sets(namespace: str) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/replicasets"


def pods(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/pods"


def events(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/events"


def leases(namespace: str) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"


def config_maps(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps"
