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
APPLY = "application/apply-patch+yaml"

# What `follow` yields besides ADDED, MODIFIED and DELETED.
SYNC = "SYNC"  # the object is a fresh list that replaces everything known of that path
TICK = "TICK"  # nothing happened for a moment
# What `execute` yields.
STDOUT, STDERR, STATUS = 1, 2, 3


class Event(t.NamedTuple):
    """A change that the API server reported. ``path`` is the one that is followed; empty for a TICK."""

    path: str
    type: str
    object: Object


class Follow(t.Protocol):
    """Several watches as one stream of events without an end; whoever reads it keeps their own time."""

    def __enter__(self) -> Follow:
        """The stream; leaving the block ends its watches."""

    def __exit__(self, *details: object) -> None:
        """Ends the watches."""

    def __iter__(self) -> t.Iterator[Event]:
        """The events, and a TICK twice a second while there are none."""

    def add(self, path: str, version: str = "") -> None:
        """Watches one collection more, from after that resource version; without one it begins with a SYNC."""


class KubeApi(t.Protocol):
    """Paths begin with /api or /apis. Errors are those of
    ``_common._errors``: NotFound, Conflict, Unavailable, ReleaseError.
    """

    def get(self, path: str) -> Object:
        """An object, or a list with the version to watch it from."""

    def text(self, path: str) -> str:
        """An answer that is not JSON: the log of a container, metrics."""

    def lines(self, path: str) -> t.Iterator[str]:
        """The log of a container line by line as it is written; ends when the log or the connection ends."""

    def post(self, path: str, body: Object, dry_run: bool = False) -> Object:
        """Creates an object in this collection; a dry run only checks whether it could be created."""

    def patch(self, path: str, body: Object, content_type: str = STRATEGIC) -> Object:
        """Changes an object, and gives it as it is then."""

    def apply(self, path: str, body: Object, force: bool = False, dry_run: bool = False) -> Object:
        """Server-side apply: creates or changes an object, and gives it as it is then.

        :param force: take over fields that others own; without
            it they raise Conflict, whose ``answer`` names them.
        :param dry_run: the API server does all but store it.
        """

    def put(self, path: str, body: Object) -> Object:
        """Replaces an object; raises Conflict when it is no longer the version that the body names."""

    def delete(self, path: str, body: Object | None = None) -> Object:
        """Deletes an object.

        :param body: DeleteOptions, such as preconditions.
        """

    def certificate(self) -> bytes:
        """The API server's own certificate (DER), as it shows it."""

    def time(self) -> float:
        """Seconds since the epoch by the API server's clock, which all controllers share."""

    def follow(self, paths: t.Mapping[str, str]) -> Follow:
        """Watches all paths at once.

        :param paths: collection path -> resource version to begin after; an empty one begins with a SYNC.
        """


class ExecApi(KubeApi, t.Protocol):
    """The Kubernetes API, and commands in containers."""

    def execute(self, path: str, stdin: str | None, seconds: float) -> t.Iterator[tuple[int, str]]:
        """Runs a command in a container: STDOUT and STDERR as they come, then STATUS; raises TimeoutError."""


# The kinds that releases roll out, with their resources.
WORKLOADS = {"Deployment": "deployments", "StatefulSet": "statefulsets", "DaemonSet": "daemonsets"}


def workloads(kind: str, namespace: str) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/{WORKLOADS[kind]}"


def deployments(namespace: str) -> str:
    return workloads("Deployment", namespace)


def replica_sets(namespace: str) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/replicasets"


def autoscalers(namespace: str) -> str:
    return f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers"


def controller_revisions(namespace: str) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/controllerrevisions"


def pods(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/pods"


def events(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/events"


def leases(namespace: str) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"


def secrets(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/secrets"


def config_maps(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps"


def jobs(namespace: str) -> str:
    return f"/apis/batch/v1/namespaces/{namespace}/jobs"


def cron_jobs(namespace: str) -> str:
    return f"/apis/batch/v1/namespaces/{namespace}/cronjobs"


def claims(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"


def budgets(namespace: str) -> str:
    return f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets"


NODES = "/api/v1/nodes"
