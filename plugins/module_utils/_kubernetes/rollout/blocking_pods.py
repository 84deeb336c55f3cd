# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Takes a broken pod of an old version away that a StatefulSet waits for before it goes on."""

from __future__ import annotations

import contextlib
import typing as t

from ..._common.errors import Conflict, NotFound
from ..._common.operation import Context
from ..api.port import KubeApi, Object, pods
from ..workload.pod_owners import PodOwners
from ..workload.status import seen


class BlockingPods:
    """The controller waits for such a pod to become ready, which it never does; going back to the old
    template alone does not help (Kubernetes documentation, StatefulSets, "Forced rollback").
    """

    def __init__(self, api: KubeApi, context: Context, owners: PodOwners) -> None:
        self._api = api
        self._context = context
        self._owners = owners
        self._deleted: set[str] = set()

    def delete_if_blocking(
        self, pod: Object, waiting: t.Iterable[Object], assert_held: t.Callable[[], None]
    ) -> None:
        uid, name = pod["metadata"]["uid"], pod["metadata"]["name"]
        for workload in waiting:
            if uid in self._deleted or not self._is_blocked(workload, pod):
                continue
            self._deleted.add(uid)
            self._context.say(
                f"{workload['metadata']['name']}: deleting its broken pod {name} of the version before, "
                "which holds up the others"
            )
            assert_held()
            # It may be gone, or another one of its name may have taken its place.
            with contextlib.suppress(NotFound, Conflict):
                path = f"{pods(workload['metadata']['namespace'])}/{name}"
                self._api.delete(path, {"preconditions": {"uid": uid}})

    def _is_blocked(self, workload: Object, pod: Object) -> bool:
        is_its_own = workload["kind"] == "StatefulSet" and seen(workload) and self._owners.owns(workload, pod)
        return is_its_own and not self._owners.is_newest(workload, pod)
