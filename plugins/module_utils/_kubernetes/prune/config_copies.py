# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Which copies of configuration may be deleted: those that no pod runs with
and no rollback needs, beyond the newest of each name. Pure.
"""

from __future__ import annotations

import typing as t

from ..api.port import Object
from ..workload import baseline
from ..workload import config_copies as config
from ..workload.fields.values import config_text
from .verdict import PruneVerdict

Users = dict[tuple[str, str], str]


def users(workloads: list[Object], old: t.Mapping[str, t.Iterable[Object]]) -> Users:
    """Why a copy stays, by its kind and name.

    :param old: what holds the pod templates of older revisions, by kind.
    """
    reasons: Users = {}
    for kind, items in old.items():
        for item in items:
            why = f"{kind} {item['metadata']['name']} names it: a rollback to that revision needs it"
            reasons.update(dict.fromkeys(_copies(_template_of(item)), why))
    for workload in workloads:
        release = baseline.release_of(workload)
        if kept := baseline.recorded(workload, release):
            why = f"{_name(workload)} had it before release {release}: a rollback needs it"
            reasons.update(dict.fromkeys(config.copies(config_text(kept.values)), why))
    for workload in workloads:
        why = f"{_name(workload)} runs with it"
        reasons.update(dict.fromkeys(_copies(workload["spec"]["template"]), why))
    return reasons


def _template_of(revision: Object) -> Object:
    """The pod template of a ReplicaSet (in ``spec``) or of a ControllerRevision (in ``data.spec``)."""
    spec = revision.get("spec") or (revision.get("data") or {}).get("spec") or {}
    return t.cast("Object", spec.get("template") or {})


def of_copies(kind: str, path: str, items: list[Object], needed: Users, keep: int) -> list[PruneVerdict]:
    verdicts: list[PruneVerdict] = []
    left: dict[str, int] = {}
    for item in sorted(items, key=_created, reverse=True):
        metadata = item["metadata"]
        why = needed.get((kind, metadata["name"]), "")
        copied = (metadata.get("labels") or {}).get(config.COPY_OF, "")
        if not config.is_copy(item):
            why = "it is not what a release kept"
        elif not why:
            left[copied] = left.get(copied, keep) - 1
            if left[copied] >= 0:
                why = f"one of the newest {keep} of {copied}"
        deleted = (
            f"content of {copied}, kept at {metadata['creationTimestamp']}, older than the newest {keep}"
        )
        verdicts.append(PruneVerdict(kind, path, item, not why, why or deleted))
    return verdicts


def _created(item: Object) -> str:
    return str(item["metadata"]["creationTimestamp"])


def _copies(template: Object) -> set[tuple[str, str]]:
    return config.copies(config_text({("template",): template}))


def _name(workload: Object) -> str:
    return f"{workload['kind']} {workload['metadata']['name']}"
