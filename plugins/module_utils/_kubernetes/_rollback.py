# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Back to the recorded baseline: every workload that a release touched, in reverse wave order, each wave waited for."""

from __future__ import annotations

import typing as t

from .._common._errors import NotFound, ReleaseError
from .._common._operation import Context, Result
from . import _baseline as baseline
from ._change import Change, begin, diff
from ._lock import Lock, LockLost
from ._port import KubeApi, Object, deployments
from ._record import Record
from ._settle import Target
from ._workload import absent, by_name, images


def plan(there: dict[str, Object], release: str, names: list[str]) -> list[list[Change]]:
    """The waves to undo, last wave first. A name without a recorded baseline of this release is an error."""
    kept = {name: found for name, thing in there.items() if (found := baseline.recorded(thing, release))}
    missing = []
    for name in names:
        if name not in there:
            missing.append(absent(name, there))
        elif name not in kept:
            missing.append(f"{name} has no baseline of release {release}; it is on release {baseline.release_of(there[name]) or '(none recorded)'}")
    if missing:
        raise NotFound(
            f"Release {release} cannot be rolled back as asked; nothing was changed.",
            why=missing,
            then="name workloads that this release has changed, or none for all of them",
        )
    steps = [_step(there[name], kept[name]) for name in kept if not names or name in names]
    return [[step for step in steps if step.wave == wave] for wave in sorted({step.wave for step in steps}, reverse=True)]


def _step(thing: Object, kept: baseline.Baseline) -> Change:
    now = images(thing)
    # A container that was not there before the release (and cannot be there by this collection's doing) stays as it is.
    wanted = {container: image for container, image in kept.images.items() if container in now}
    replicas = thing["spec"].get("replicas", 1)
    annotations: dict[str, str | None] = {
        baseline.RELEASE: kept.release or None,
        baseline.BASELINE: None,
        baseline.UNDONE: baseline.release_of(thing),
    }
    changed = {container: image for container, image in wanted.items() if now[container] != image}
    return Change(
        thing["metadata"]["name"],
        kept.wave,
        Target(thing["metadata"]["uid"], wanted),
        {"images": {c: now[c] for c in wanted}, "replicas": replicas},
        {"images": wanted, "replicas": kept.replicas},
        baseline.body(thing, changed, kept.replicas if replicas != kept.replicas else None, annotations),
    )


def run(api: KubeApi, context: Context) -> Result:
    params = context.params
    namespace, release = params["namespace"], params["release"]
    record = Record(api, namespace, release, context.clock)
    if params["unfinished_only"] and (closed := record.read()["verdict"]):
        context.say(f"release {release} was finished at {closed['at']} ({closed['verdict']}); it stays")
        return Result(False, values={"workloads": [], "finished": True})
    listing = api.get(deployments(namespace))
    there = by_name(listing)
    waves = plan(there, release, params["workloads"] or [])
    steps = [step for wave in waves for step in wave]
    before, after = diff(steps)
    if context.check_mode or not steps:
        for step in steps:
            context.say(f"would take back {step.name}: {step}")
        return Result(bool(steps), before, after, {"workloads": [step.told() for step in steps], "finished": False})
    lock = Lock(api, context)
    lock.take(params["lock_force"])
    record.begin("rollback", {"reason": context.redact.text(params["reason"] or ""), "workloads": [step.name for step in steps]}, again=False)
    told, failed = [], []
    for wave in waves:
        lock.confirm()
        # A wave that does not come back is told at the end: the waves before it have to go back all the same.
        try:
            told += _undo(api, wave, there, listing["metadata"]["resourceVersion"], context, lock)
        except LockLost:
            raise
        except ReleaseError as exc:
            failed.append(exc)
    record.end("rollback", {"workloads": told, "failed": [context.redact.text(str(exc)) for exc in failed]})
    if failed:
        raise ReleaseError(
            f"Release {release} was rolled back in part only.",
            why=[str(exc) for exc in failed],
            done=f"back on what ran before: {', '.join(item['name'] for item in told) or 'none'}",
            then="mend what is named above, then run the rollback again: it goes on where it stopped",
        )
    return Result(True, before, after, {"workloads": told, "finished": False})


def _undo(api: KubeApi, wave: list[Change], there: dict[str, Object], version: str, context: Context, lock: Lock) -> list[dict[str, t.Any]]:
    wait = begin(api, wave, there, context, how="back ")
    wait.until_settled(version, context.params["timeout"], lock.keep)
    return [step.told(wait.settled[step.name]) for step in wave]
