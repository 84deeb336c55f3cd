# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Where the workloads of a release go back to: a baseline, a revision, or an older release."""

from __future__ import annotations

import typing as t

from ..._common.errors import InputError, NotFound
from ..._common.operation import Clock
from ..api.port import WORKLOADS, KubeApi, Object
from ..release_state.config_map import record_of
from ..workload import baseline, revisions
from ..workload.fields.base import FieldValues
from ..workload.listing import Workloads
from ..workload.status import absent

_NEXT = "name workloads that this release has changed, or none for all of them"
_LIST_RECORDS = "kubectl -n {} get configmaps -l runbook.release/record=true"


class RollbackTarget(t.NamedTuple):
    """Where one workload goes back to. ``release`` is the one that ran there ('' when unknown)."""

    values: FieldValues
    release: str
    wave: int


def refuse(release: str, reasons: t.Sequence[str], then: str = _NEXT) -> None:
    if reasons:
        raise NotFound(
            f"Release {release} cannot be rolled back as asked; nothing was changed.", why=reasons, then=then
        )


def list_records(namespace: str) -> str:
    """The command that lists the releases with a record."""
    return _LIST_RECORDS.format(namespace)


def choose(by_kind: Workloads, release: str) -> dict[str, Object]:
    """By name over all kinds. Of two that share a name the one
    that this release has touched is meant, else the Deployment.
    """
    chosen: dict[str, Object] = {}
    both = []
    for kind in WORKLOADS:
        for name, workload in by_kind[kind].items():
            is_touched = baseline.recorded(workload, release) is not None
            if name in chosen and is_touched and baseline.recorded(chosen[name], release):
                both.append(
                    f"{chosen[name]['kind']} {name} and {kind} {name} were both changed by it, "
                    "and only one of a name can be rolled back"
                )
            if name not in chosen or is_touched:
                chosen[name] = workload
    refuse(release, both, "kubectl rollout undo rolls one of them back")
    return chosen


def to_baseline(
    live: t.Mapping[str, Object], release: str, names: t.Sequence[str]
) -> dict[str, RollbackTarget]:
    """A name without a recorded baseline of this release is an error."""
    kept = {}
    for name, workload in live.items():
        if recorded := baseline.recorded(workload, release):
            kept[name] = RollbackTarget(recorded.values, recorded.release, recorded.wave)
    refuse(release, [why_lost(name, live, release) for name in names if name not in kept])
    return {name: target for name, target in kept.items() if not names or name in names}


def to_revision(
    api: KubeApi,
    namespace: str,
    live: t.Mapping[str, Object],
    release: str,
    names: t.Sequence[str],
    number: int,
) -> dict[str, RollbackTarget]:
    if len(names) != 1:
        raise InputError(
            "workloads: to_revision counts the revisions of one workload.",
            why=[f"found {len(names)} names; allowed: one"],
        )
    name = names[0]
    if name not in live:
        refuse(release, [absent(name, live, "workload")])
    revision = revisions.numbered(api, namespace, live[name], number)
    return {name: RollbackTarget({("template",): revision.template}, revision.release, 1)}


class ToRelease:
    """By the record of an older release: the pod templates that
    held its images, of the workloads that it rolled out.
    """

    def __init__(self, api: KubeApi, namespace: str, release: str, clock: Clock) -> None:
        self._api = api
        self._namespace = namespace
        self._release = release
        self._clock = clock

    def targets(
        self, live: t.Mapping[str, Object], target: str, names: t.Sequence[str]
    ) -> dict[str, RollbackTarget]:
        ran = self._workloads_of(target)
        reasons = [
            f"the record of release {target} does not name {name}; it names: {', '.join(sorted(ran))}"
            for name in names
            if name not in ran
        ]
        chosen = [name for name in ran if not names or name in names]
        reasons += [
            f"{name} ran in release {target} and does not exist any more"
            for name in chosen
            if name not in live
        ]
        targets = {}
        for name in chosen:
            if name not in live:
                continue
            try:
                revision = revisions.running(self._api, self._namespace, live[name], ran[name]["images"])
            except NotFound as exc:
                reasons.append(exc.what)
                continue
            targets[name] = RollbackTarget({("template",): revision.template}, target, ran[name]["wave"])
        refuse(self._release, reasons)
        return targets

    def _workloads_of(self, target: str) -> dict[str, dict[str, t.Any]]:
        record = record_of(self._api, self._namespace, target, self._clock).read()
        verdict = record["verdict"].get("verdict")
        if verdict != "succeeded":
            reason = "there is no record of it (any more)"
            if record["attempt"]:
                reason = f"its verdict is {verdict}" if verdict else "it is not finished"
            refuse(
                self._release,
                [f"cannot roll back to release {target}: {reason}"],
                f"{list_records(self._namespace)} shows which releases there are records of",
            )
        return {
            item["name"]: item
            for entry in record["entries"]
            if entry["kind"] == "wave"
            for item in entry.get("workloads", [])
        }


def lost(record: t.Mapping[str, t.Any], live: t.Mapping[str, Object], release: str) -> list[str]:
    """What the release has changed by its record and has no baseline to
    go back to; what is back already is not among it.

    A wave that failed may not have changed all that it was about to
    change: of those only what is deleted is reported.
    """
    waves = [entry for entry in record["entries"] if entry["kind"] == "wave"]
    begun = [name for entry in waves for name in entry.get("changes", {})]
    done = [item["name"] for entry in waves for item in entry.get("workloads", []) if item["changed"]]
    back = [
        item["name"]
        for entry in record["entries"]
        if entry["kind"] == "rollback" and entry["phase"] == "ended"
        for item in entry["workloads"]
    ]

    def is_lost(name: str) -> bool:
        if name in back:
            return False
        if name not in live:
            return True
        has_marks = baseline.recorded(live[name], release) or baseline.undone(live[name]) == release
        return name in done and not has_marks

    return [name for name in dict.fromkeys([*begun, *done]) if is_lost(name)]


def why_lost(name: str, live: t.Mapping[str, Object], release: str) -> str:
    if name not in live:
        return absent(name, live, "workload")
    runs = baseline.release_of(live[name])
    if runs == release:
        later = baseline.undone(live[name])
        because = f", since {later} was rolled back" if later else ""
        return (
            f"{name} runs release {release}{because}, and what ran before is not recorded any more "
            "(to_revision and to_release go further back)"
        )
    reason = (
        f"it is on release {runs}"
        if runs
        else "it carries no marks of a release, as after a rollback or when it was created again"
    )
    return f"{name} has no baseline of release {release}; {reason}"
