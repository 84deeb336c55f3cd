# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Which copies of configuration may go: those that no pod runs with
and no rollback can lead to, beyond the newest of each name. Pure.
"""

from __future__ import annotations

import typing as t

from ..api.port import Object
from ..workload import baseline
from ..workload import config_copies as config
from ..workload.fields.values import config_text
from .verdict import Verdict

Users = dict[tuple[str, str], str]


def users(things: list[Object], old: t.Mapping[str, t.Iterable[Object]]) -> Users:
    """Why a copy stays, by its kind and name.

    :param things: the workloads.
    :param old: what holds the pod templates of older revisions, by kind.
    """
    found: Users = {}
    for kind, items in old.items():
        for item in items:
            template = (item.get("spec") or (item.get("data") or {}).get("spec") or {}).get("template") or {}
            found.update(
                dict.fromkeys(
                    _copies(template),
                    f"{kind} {item['metadata']['name']} names it: a rollback to that revision needs it",
                )
            )
    for thing in things:
        release = baseline.release_of(thing)
        if kept := baseline.recorded(thing, release):
            found.update(
                dict.fromkeys(
                    config.copies(config_text(kept.values)),
                    f"{_name(thing)} had it before release {release}: a rollback needs it",
                )
            )
    for thing in things:
        found.update(dict.fromkeys(_copies(thing["spec"]["template"]), f"{_name(thing)} runs with it"))
    return found


def of_copies(kind: str, path: str, items: list[Object], needed: Users, keep: int) -> list[Verdict]:
    verdicts: list[Verdict] = []
    left: dict[str, int] = {}
    for item in sorted(items, key=lambda item: str(item["metadata"]["creationTimestamp"]), reverse=True):
        why = needed.get((kind, item["metadata"]["name"]), "")
        of = (item["metadata"].get("labels") or {}).get(config.COPY_OF, "")
        if not config.is_copy(item):
            why = "it is not what a release kept"
        elif not why:
            left[of] = left.get(of, keep) - 1
            why = f"one of the newest {keep} of {of}" if left[of] >= 0 else ""
        gone = (
            f"content of {of}, kept at {item['metadata']['creationTimestamp']}, older than the newest {keep}"
        )
        verdicts.append(Verdict(kind, path, item, not why, why or gone))
    return verdicts


def _copies(template: Object) -> set[tuple[str, str]]:
    return config.copies(config_text({("template",): template}))


def _name(thing: Object) -> str:
    return f"{thing['kind']} {thing['metadata']['name']}"
