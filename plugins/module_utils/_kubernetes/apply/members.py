# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What an apply means for its ApplySet: who becomes a
member, what is no longer one, and what of that is deleted.
"""

from __future__ import annotations

import contextlib
import typing as t

from ..._common.errors import NotFound
from ..._common.operation import Context
from ..api.port import KubeApi, Object
from . import apply_set
from . import field_ownership as applied
from .discovery import Resource, Resources
from .manifests import Manifest, named, rank
from .plan import refusal


class Members:
    """Does nothing at all without an ApplySet."""

    def __init__(
        self,
        api: KubeApi,
        context: Context,
        resources: Resources,
        parent: apply_set.Parent | None,
        scope: apply_set.Scope,
    ) -> None:
        self._api = api
        self._context = context
        self._resources = resources
        self._parent = parent
        self._scope = scope
        self._set = apply_set.Set(api, parent) if parent else None
        self.to_delete: list[tuple[Resource, Object]] = []
        self.left: list[tuple[Resource, Object]] = []

    def labelled(self, manifest: Manifest) -> Manifest:
        return apply_set.labelled(manifest, self._parent) if self._parent else manifest

    def find_obsolete(
        self,
        placements: t.Sequence[tuple[Manifest, Resource]],
        live: t.Sequence[Object | None],
        prune: bool,
    ) -> None:
        """What is no longer among the manifests. An object of another set is not taken into this one."""
        if not self._parent or not self._set:
            return
        problems = []
        for (manifest, _resource), obj in zip(placements, live):
            other = ((obj or {"metadata": {}})["metadata"].get("labels") or {}).get(apply_set.PART_OF)
            if other and other != self._parent.id:
                problems.append(
                    f"{manifest.origin}: {manifest} is part of another ApplySet ({apply_set.PART_OF}: {other})"
                )
        if problems:
            raise refusal(problems)
        desired = {manifest.key for manifest, _resource in placements}
        members = self._set.members(self._resources)
        for resource, obj in apply_set.obsolete(members, self._parent, desired):
            applied.learn(self._context.redact, obj)
            is_deleted = prune and resource.kind not in apply_set.SPARED
            (self.to_delete if is_deleted else self.left).append((resource, obj))
        self.to_delete.sort(key=lambda item: rank(item[0].kind), reverse=True)

    def is_changing(self) -> bool:
        return bool(self.to_delete) or self.differs()

    def reads(self) -> t.Iterator[tuple[Resource, str, str]]:
        if self._set:
            yield from (
                (resource, namespace, "list") for resource, namespace in self._set.places(self._resources)
            )

    def writes(self) -> t.Iterator[tuple[Resource, str, str]]:
        if self._parent and self._set:
            own = Resource("", "v1", self._parent.kind, f"{self._parent.kind.lower()}s", True)
            for verb in ("patch",) if self._set.exists else ("patch", "create"):
                yield own, self._parent.namespace, verb
        for resource, obj in self.to_delete:
            yield resource, obj["metadata"].get("namespace", ""), "delete"

    def differs(self) -> bool:
        return bool(self._set and self._set.differs(self._final()))

    def begin(self, assert_held: t.Callable[[], None]) -> None:
        """Before the first member is written: an apply that
        is interrupted leaves no member that nobody finds.
        """
        if self._set:
            assert_held()
            self._set.record(self._scope.union(self._set.recorded) if self._set.exists else self._scope)

    def end(self, assert_held: t.Callable[[], None]) -> None:
        for resource, obj in self.to_delete:
            metadata = obj["metadata"]
            path = f"{resource.collection(metadata.get('namespace', ''))}/{metadata['name']}"
            options = {
                "kind": "DeleteOptions",
                "apiVersion": "v1",
                "propagationPolicy": "Background",
                "preconditions": {"uid": metadata["uid"]},
            }
            assert_held()
            with contextlib.suppress(NotFound):
                self._api.delete(path, options)
            self._context.say(f"{name_of(resource, obj)}: pruned")
        if self._set and self.differs():
            assert_held()
            self._set.record(self._final())

    def as_result(self) -> dict[str, t.Any]:
        if not self._set:
            return {}
        return {
            "pruned": [name_of(*item) for item in self.to_delete],
            "obsolete": [name_of(*item) for item in self.left],
        }

    def _final(self) -> apply_set.Scope:
        """Where members are afterwards: those of the manifests,
        and those that stay though no manifest describes them.
        """
        kinds = frozenset((resource.group, resource.kind) for resource, _obj in self.left)
        namespaces = frozenset(
            obj["metadata"]["namespace"] for _resource, obj in self.left if obj["metadata"].get("namespace")
        )
        return self._scope.union(apply_set.Scope(kinds, namespaces))


def name_of(resource: Resource, obj: Object) -> str:
    return named(resource.kind, obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
