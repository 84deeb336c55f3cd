# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Back to what ran before: every workload that a release touched, in reverse wave order, each wave waited for.

To the baseline that the release recorded, to a revision of one workload, or to what ran in an older release by its record.
"""

from __future__ import annotations

import typing as t

from .._common._errors import InputError, NotFound, ReleaseError
from .._common._operation import Context, Result
from . import _baseline as baseline
from . import _config as config
from . import _history as history
from ._change import Change, diff
from ._lock import Lock, LockLost
from ._parts import Parts, body, config_text, differing, observed
from ._port import WORKLOADS, KubeApi, Object
from ._record import Record
from ._rollout import read
from ._settle import Wait
from ._workload import absent

_THEN = "name workloads that this release has changed, or none for all of them"


class Way(t.NamedTuple):
    """Where one workload goes back to. ``release`` is the one that ran there ('' when unknown)."""

    parts: Parts
    release: str
    wave: int


def plan(there: dict[str, Object], ways: dict[str, Way], timeout: int) -> list[list[Change]]:
    """The waves to undo, last wave first."""
    steps = [_step(there[name], way, timeout) for name, way in ways.items()]
    return [[step for step in steps if step.wave == wave] for wave in sorted({step.wave for step in steps}, reverse=True)]


def _step(thing: Object, way: Way, timeout: int) -> Change:
    now = observed(thing, way.parts)
    # A container that was not there before the release (and cannot be there by this collection's doing) stays as it is.
    after = {path: value for path, value in way.parts.items() if path in now}
    left = baseline.release_of(thing)
    marks: dict[str, str | None] = {baseline.RELEASE: way.release or None, baseline.BASELINE: None, baseline.UNDONE: left or None}
    # Where nothing but an older revision is asked for, being there already is nothing to do.
    marked = baseline.BASELINE in (thing["metadata"].get("annotations") or {})
    patch = body(thing, now, after, marks) if marked or differing(now, after) else {}
    return Change(thing["metadata"]["name"], thing["kind"], thing["metadata"]["uid"], way.wave, now, after, patch, timeout)


def to_baseline(there: dict[str, Object], release: str, names: list[str]) -> dict[str, Way]:
    """A name without a recorded baseline of this release is an error."""
    kept = {name: found for name, thing in there.items() if (found := baseline.recorded(thing, release))}
    missing = []
    for name in names:
        if name not in there:
            missing.append(absent(name, there, "workload"))
        elif name not in kept:
            missing.append(f"{name} has no baseline of release {release}; it is on release {baseline.release_of(there[name]) or '(none recorded)'}")
    _refuse(release, missing)
    return {name: Way(found.parts, found.release, found.wave) for name, found in kept.items() if not names or name in names}


def to_revision(api: KubeApi, namespace: str, there: dict[str, Object], release: str, names: list[str], number: int) -> dict[str, Way]:
    if len(names) != 1:
        raise InputError("workloads: to_revision counts the revisions of one workload.", why=[f"found {len(names)} names; allowed: one"])
    name = names[0]
    if name not in there:
        _refuse(release, [absent(name, there, "workload")])
    found = history.numbered(api, namespace, there[name], number)
    return {name: Way({("template",): found.template}, found.release, 1)}


def to_release(api: KubeApi, namespace: str, there: dict[str, Object], context: Context, target: str, names: list[str]) -> dict[str, Way]:
    """By the record of that release: the pod templates that held its images, of the workloads that it rolled out."""
    record = Record(api, namespace, target, context.clock).read()
    release = context.params["release"]
    if record["verdict"].get("verdict") != "succeeded":
        said = f"its verdict is {record['verdict'].get('verdict') or 'not given yet'}" if record["attempt"] else "there is no record of it (any more)"
        _refuse(release, [f"release {target} is nothing to go back to: {said}"])
    ran = {item["name"]: item for entry in record["entries"] if entry["kind"] == "wave" for item in entry.get("workloads", [])}
    missing = [f"the record of release {target} does not tell of {name}; it tells of: {', '.join(sorted(ran))}" for name in names if name not in ran]
    missing += [f"{name} ran in release {target} and is not there any more" for name in ran if name not in there and (not names or name in names)]
    ways = {}
    for name, item in ran.items():
        if name in there and (not names or name in names):
            try:
                found = history.running(api, namespace, there[name], item["images"])
            except NotFound as exc:
                missing.append(exc.what)
                continue
            ways[name] = Way({("template",): found.template}, target, item["wave"])
    _refuse(release, missing)
    return ways


def _refuse(release: str, missing: list[str]) -> None:
    if missing:
        raise NotFound(f"Release {release} cannot be rolled back as asked; nothing was changed.", why=missing, then=_THEN)


def _ways(api: KubeApi, context: Context, there: dict[str, Object]) -> dict[str, Way]:
    params, names = context.params, context.params["workloads"] or []
    if params["to_revision"] is not None:
        return to_revision(api, params["namespace"], there, params["release"], names, params["to_revision"])
    if params["to_release"]:
        return to_release(api, params["namespace"], there, context, params["to_release"], names)
    return to_baseline(there, params["release"], names)


def _chosen(by_kind: dict[str, dict[str, Object]], release: str) -> dict[str, Object]:
    """By name over all kinds. Of two that share a name the one that this release has touched is meant, else the Deployment."""
    found: dict[str, Object] = {}
    for kind in WORKLOADS:
        for name, thing in by_kind[kind].items():
            if name not in found or baseline.recorded(thing, release):
                found[name] = thing
    return found


def run(api: KubeApi, context: Context) -> Result:
    params = context.params
    namespace, release = params["namespace"], params["release"]
    record = Record(api, namespace, release, context.clock)
    if params["unfinished_only"] and (closed := record.read()["verdict"]):
        context.say(f"release {release} was finished at {closed['at']} ({closed['verdict']}); it stays")
        return Result(False, values={"workloads": [], "finished": True})
    by_kind, versions = read(api, namespace, WORKLOADS)
    there = _chosen(by_kind, release)
    ways = _ways(api, context, there)
    waves = plan(there, ways, params["timeout"])
    steps = [step for wave in waves for step in wave]
    before, after = diff(steps)
    if context.check_mode or not after:
        for step in steps:
            if step.patch:
                context.say(f"would take back {step.name}: {step}")
        return Result(bool(after), before, after, {"workloads": [step.told() for step in steps], "finished": False})
    lock = Lock(api, context)
    lock.take(params["lock_force"])
    record.begin("rollback", {"reason": context.redact.text(params["reason"] or ""), "workloads": [step.name for step in steps]}, again=False)
    told, failed = [], []
    versions = {path: version for path, version in versions.items() if any(path in step.path(namespace) for step in steps)}
    with Wait(api, context, {step.name: there[step.name] for step in steps}, versions) as wait:
        for wave in waves:
            lock.confirm()
            # A wave that does not come back is told at the end: the waves before it have to go back all the same.
            try:
                for step in wave:
                    config.restore(api, namespace, config_text(step.after), config_text(step.before), context.say)
                wait.roll(wave, lambda thing: _step(thing, ways[thing["metadata"]["name"]], params["timeout"]), lock.keep, how="back ")
                told += [step.told(wait.settled[step.name]) for step in wave]
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
            changed=True,
        )
    return Result(True, before, after, {"workloads": told, "finished": False})
