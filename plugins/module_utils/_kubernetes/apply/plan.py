# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What an apply would do: every manifest is put to the API
server, which answers what would become of it and stores nothing.

So conflicts, unknown fields and refused values of all manifests are reported together, before the first write.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..._common.errors import Conflict, InputError, NotFound, ReleaseError, Unavailable
from ..._common.operation import Context
from ..api.permissions import Need, in_words, missing
from ..api.port import KubeApi, Object
from . import field_ownership as applied
from .discovery import Resource, Resources
from .manifests import Manifest

CREATED, CONFIGURED, UNCHANGED = "created", "configured", "unchanged"


@dataclasses.dataclass(frozen=True)
class Step:
    """One object from live to desired.

    :param body: what is applied: the manifest without what a release has set.
    :param after: what the API server would make of it.
    :param foreseen: ``after`` is computed here instead, because the API server could not compute it.
    :param kept: fields that stay as a release has set them, though the manifest says something else.
    """

    manifest: Manifest
    resource: Resource
    body: Object
    before: Object | None
    after: Object
    foreseen: bool
    kept: list[str]

    @property
    def path(self) -> str:
        return f"{self.resource.collection(self.manifest.namespace)}/{self.manifest.name}"

    @property
    def action(self) -> str:
        if self.before is None:
            return CREATED
        return CONFIGURED if applied.comparable(self.before) != applied.comparable(self.after) else UNCHANGED

    @property
    def to_write(self) -> bool:
        """Also where only the ownership of fields changes: what is
        dropped from the manifest later can only then be removed.
        """
        mine = [applied.owned(obj, applied.APPLIES, "Apply") for obj in (self.before, self.after)]
        return self.action != UNCHANGED or (not self.foreseen and mine[0] != mine[1])

    def as_result(self) -> dict[str, t.Any]:
        manifest = self.manifest
        result = {
            "kind": manifest.kind,
            "namespace": manifest.namespace,
            "name": manifest.name,
            "action": self.action,
        }
        return {
            **result,
            **({"kept": self.kept} if self.kept else {}),
            **({"foreseen": True} if self.foreseen else {}),
        }


def placed(
    manifests: list[Manifest], resources: Resources, namespace: str
) -> list[tuple[Manifest, Resource]]:
    """Each with the kind it is of and in its namespace. All that does not fit the cluster is one InputError."""
    problems = []
    placements = []
    for manifest in manifests:
        resource = resources.find(manifest.group, manifest.api_version.rpartition("/")[2], manifest.kind)
        if resource is None:
            problems.append(f"{manifest.origin}: {manifest}: {resources.unknown(manifest)}")
        elif manifest.namespace and not resource.namespaced:
            problems.append(
                f"{manifest.origin}: {manifest}: metadata.namespace: found {manifest.namespace}; allowed: none, a {manifest.kind} is in no namespace"
            )
        else:
            own = (manifest.namespace or namespace) if resource.namespaced else ""
            placements.append((manifest.moved(own), resource))
    if problems:
        raise refusal(problems)
    return placements


def refusal(problems: list[str]) -> InputError:
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
    return InputError(
        f"{count} in the manifests; nothing was changed.",
        why=problems,
        then="fix the problems listed above, then run the same command again",
    )


def observed(
    api: KubeApi, context: Context, placements: t.Sequence[tuple[Manifest, Resource]]
) -> list[Object | None]:
    """What is live of each, in the same order."""
    live: list[Object | None] = []
    for manifest, resource in placements:
        obj: Object | None = None
        if resource.served:
            try:
                obj = api.get(f"{resource.collection(manifest.namespace)}/{manifest.name}")
            except NotFound:
                obj = None
        applied.learn(context.redact, manifest.body)
        applied.learn(context.redact, obj)
        live.append(obj)
    return live


def forbidden(api: KubeApi, needed: t.Iterable[tuple[Resource, str, str]]) -> list[str]:
    """What the credentials may not do, as lines with the rule to add; reviewed once a kind and namespace.

    :param needed: resource, namespace ('' for the whole cluster) and verb.
    """
    verbs: dict[tuple[str, str, str], list[str]] = {}
    for resource, namespace, verb in needed:
        verbs.setdefault((namespace, resource.group, resource.plural), []).append(verb)
    lines = []
    for (namespace, group, plural), of_kind in verbs.items():
        for rule in missing(api, namespace, [Need(group, plural, tuple(dict.fromkeys(of_kind)))]):
            where = f"in namespace {namespace}" if namespace else "in the whole cluster (ClusterRole)"
            to_add = f'{{apiGroups: ["{group}"], resources: [{plural}], verbs: [{", ".join(rule["verbs"])}]}}'
            lines.append(f"{in_words(rule)} {where}; the rule to add: {to_add}")
    return lines


class Planner:
    """
    :param keep_release: leave fields that a release has set as they are.
    :param may_write: False in check mode without the permission to write: a dry run needs it, too.
    """

    def __init__(self, api: KubeApi, keep_release: bool, force_conflicts: bool, may_write: bool) -> None:
        self._api = api
        self._keep_release = keep_release
        self._force_conflicts = force_conflicts
        self._may_write = may_write

    def steps(
        self, placements: t.Sequence[tuple[Manifest, Resource]], live: t.Sequence[Object | None]
    ) -> list[Step]:
        """All of them, in the order of the manifests. All that the API server refuses is one error."""
        to_come = {(resource.plural, manifest.name) for manifest, resource in placements}
        planned: list[Step] = []
        problems: list[str] = []
        conflicts: list[str] = []
        # Namespaces that are yet to come: an API server takes its time
        # (50 ms) over every object that is put into one of them.
        absent: set[str] = set()
        for (manifest, resource), before in zip(placements, live):
            step = self._step(manifest, resource, before)
            try:
                if self._may_write and resource.served and manifest.namespace not in absent:
                    step = self._dry_run(step)
            except Unavailable:
                raise
            except Conflict as exc:
                conflicts += conflicting(step, exc)
            except ReleaseError as exc:
                kind, name = _missing(exc)
                if (kind, name) not in to_come:
                    problems += _refusals(step, exc)
                elif kind == "namespaces":
                    absent.add(name)
            planned.append(step)
        if problems:
            raise refusal(problems + conflicts)
        if conflicts:
            raise conflict(conflicts, "nothing was changed")
        return planned

    def _step(self, manifest: Manifest, resource: Resource, before: Object | None) -> Step:
        body, kept = manifest.body, list[str]()
        if self._keep_release:
            body, kept = applied.beside_release(manifest.body, before)
        return Step(manifest, resource, body, before, applied.foreseen(before, body), True, kept)

    def _dry_run(self, step: Step) -> Step:
        after = self._api.apply(step.path, step.body, self._force_conflicts, dry_run=True)
        return dataclasses.replace(step, after=after, foreseen=False)


def _refusals(step: Step, error: ReleaseError) -> list[str]:
    """Without those of a webhook that is not made for dry runs."""
    if any("does not support dry run" in line for line in error.why):
        return []
    return [f"{step.manifest.origin}: {step.manifest}: {'; '.join(error.why)}"]


def _missing(error: ReleaseError) -> tuple[str, str]:
    """What it misses, as plural and name: its namespace, the Role that it binds."""
    details = (error.answer.get("details") or {}) if isinstance(error, NotFound) else {}
    return str(details.get("kind", "")), str(details.get("name", ""))


def conflicting(step: Step, error: Conflict) -> list[str]:
    """One line a field, with whom it belongs to."""
    lines = []
    for cause in (error.answer.get("details") or {}).get("causes") or []:
        if cause.get("reason") == "FieldManagerConflict":
            named = re.search(r'conflict with "([^"]+)"(.*)', str(cause.get("message", "")))
            manager, rest = (named[1], named[2]) if named else (str(cause.get("message", "")), "")
            lines.append(
                f"{step.manifest.origin}: {step.manifest}: {cause.get('field')} belongs to {manager}{rest}"
            )
    return lines or [f"{step.manifest.origin}: {step.manifest}: {'; '.join(error.why)}"]


def conflict(lines: list[str], done: str) -> Conflict:
    releases = any(
        f"belongs to {applied.RELEASES} " in line or line.endswith(f"belongs to {applied.RELEASES}")
        for line in lines
    )
    keep = " (keep_release=true leaves those of a release as they are)" if releases else ""
    return Conflict(
        f"{len(lines)} field{'s' if len(lines) > 1 else ''} of the manifests belong{'' if len(lines) > 1 else 's'} to somebody else; {done}.",
        why=lines,
        then=f"remove these fields from the manifests, or run with force_conflicts=true to take them over{keep}",
    )
