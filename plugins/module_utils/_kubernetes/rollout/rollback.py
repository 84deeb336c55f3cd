# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Back to what ran before: every workload that a release
touched, in reverse wave order, each wave waited for.

To the baseline that the release recorded, to a revision of one
workload, or to what ran in an older release by its record.
"""

from __future__ import annotations

import typing as t

from ..._common.errors import InputError, NotFound, ReleaseError
from ..._common.operation import Context, Operation, Result
from ..._common.options import REQUIRED, Option
from ..api.client import ClusterApi
from ..api.options import LOCK, NAMESPACE, TIMEOUT
from ..api.port import WORKLOADS, KubeApi, Object
from ..release_state.lock import Lock, LockLost
from ..release_state.record import Record
from ..workload import baseline
from ..workload import config_copies as config
from ..workload import revisions as history
from ..workload.autoscaler import Autoscalers
from ..workload.change import Change, diff
from ..workload.fields import Parts, body, config_text, differing, observed
from ..workload.status import absent
from .rollout import read
from .wave import Wait

_THEN = "name workloads that this release has changed, or none for all of them"
_RECORDS = (
    "kubectl -n {} get configmaps -l runbook.release/record=true shows which releases there are records of"
)


class Way(t.NamedTuple):
    """Where one workload goes back to. ``release`` is the one that ran there ('' when unknown)."""

    parts: Parts
    release: str
    wave: int


def plan(there: dict[str, Object], ways: dict[str, Way], timeout: int) -> list[list[Change]]:
    """The waves to undo, last wave first."""
    steps = [_step(there[name], way, timeout) for name, way in ways.items()]
    return [
        [step for step in steps if step.wave == wave]
        for wave in sorted({step.wave for step in steps}, reverse=True)
    ]


def _step(thing: Object, way: Way, timeout: int) -> Change:
    now = observed(thing, way.parts)
    # A container that was not there before the release (and cannot
    # be there by this collection's doing) stays as it is.
    after = {path: value for path, value in way.parts.items() if path in now}
    left = baseline.release_of(thing)
    marks: dict[str, str | None] = {
        baseline.RELEASE: way.release or None,
        baseline.BASELINE: None,
        baseline.UNDONE: left or None,
    }
    # Where nothing but an older revision is asked for, being there already is nothing to do.
    marked = baseline.BASELINE in (thing["metadata"].get("annotations") or {})
    patch = body(thing, now, after, marks) if marked or differing(now, after) else {}
    return Change(
        thing["metadata"]["name"],
        thing["kind"],
        thing["metadata"]["uid"],
        way.wave,
        now,
        after,
        patch,
        timeout,
    )


def to_baseline(there: dict[str, Object], release: str, names: list[str]) -> dict[str, Way]:
    """A name without a recorded baseline of this release is an error."""
    kept = {name: found for name, thing in there.items() if (found := baseline.recorded(thing, release))}
    _refuse(release, [_lost(name, there, release) for name in names if name not in kept])
    return {
        name: Way(found.parts, found.release, found.wave)
        for name, found in kept.items()
        if not names or name in names
    }


def lost(record: dict[str, t.Any], there: dict[str, Object], release: str) -> list[str]:
    """What the release has changed by its record and cannot be
    taken back by a baseline; what is back already is not among it.

    A wave that did not end well may not have come to all that
    it was about to change: of those only what is gone is told.
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

    def has_marks(name: str) -> bool:
        return bool(baseline.recorded(there[name], release)) or baseline.undone(there[name]) == release

    return [
        name
        for name in dict.fromkeys([*begun, *done])
        if name not in back and (name not in there or (name in done and not has_marks(name)))
    ]


def _lost(name: str, there: dict[str, Object], release: str) -> str:
    if name not in there:
        return absent(name, there, "workload")
    runs = baseline.release_of(there[name])
    if runs == release:
        later = baseline.undone(there[name])
        because = f", since {later} was taken back" if later else ""
        return f"{name} runs release {release}{because}, and what ran before is not recorded any more (to_revision and to_release go further back)"
    why = (
        f"it is on release {runs}"
        if runs
        else "it carries no marks of a release, as after a rollback or when it was created anew"
    )
    return f"{name} has no baseline of release {release}; {why}"


def to_revision(
    api: KubeApi, namespace: str, there: dict[str, Object], release: str, names: list[str], number: int
) -> dict[str, Way]:
    if len(names) != 1:
        raise InputError(
            "workloads: to_revision counts the revisions of one workload.",
            why=[f"found {len(names)} names; allowed: one"],
        )
    name = names[0]
    if name not in there:
        _refuse(release, [absent(name, there, "workload")])
    found = history.numbered(api, namespace, there[name], number)
    return {name: Way({("template",): found.template}, found.release, 1)}


def to_release(
    api: KubeApi, namespace: str, there: dict[str, Object], context: Context, target: str, names: list[str]
) -> dict[str, Way]:
    """By the record of that release: the pod templates that
    held its images, of the workloads that it rolled out.
    """
    record = Record(api, namespace, target, context.clock).read()
    release = context.params["release"]
    if record["verdict"].get("verdict") != "succeeded":
        said = (
            f"its verdict is {record['verdict'].get('verdict') or 'not given yet'}"
            if record["attempt"]
            else "there is no record of it (any more)"
        )
        _refuse(release, [f"release {target} is nothing to go back to: {said}"], _RECORDS.format(namespace))
    ran = {
        item["name"]: item
        for entry in record["entries"]
        if entry["kind"] == "wave"
        for item in entry.get("workloads", [])
    }
    missing = [
        f"the record of release {target} does not tell of {name}; it tells of: {', '.join(sorted(ran))}"
        for name in names
        if name not in ran
    ]
    missing += [
        f"{name} ran in release {target} and is not there any more"
        for name in ran
        if name not in there and (not names or name in names)
    ]
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


def _refuse(release: str, missing: list[str], then: str = _THEN) -> None:
    if missing:
        raise NotFound(
            f"Release {release} cannot be rolled back as asked; nothing was changed.", why=missing, then=then
        )


def _left(context: Context, record: dict[str, t.Any], there: dict[str, Object]) -> list[str]:
    """What cannot go back although the whole release is to: said at the
    end where it is gone, and before anything where it would mix releases.

    A way back that nobody has asked for (``unfinished_only``) takes what there is.
    """
    release, asked_for = context.params["release"], not context.params["unfinished_only"]
    left = lost(record, there, release)
    newer = [name for name in left if name in there and baseline.release_of(there[name])]
    known = (
        left
        or record["attempt"]
        or any(release in (baseline.release_of(thing), baseline.undone(thing)) for thing in there.values())
    )
    if asked_for and not known:
        missing = f"nothing in namespace {context.params['namespace']} knows of it: no workload carries its marks, and there is no record of it"
        _refuse(release, [missing], _RECORDS.format(context.params["namespace"]))
    if asked_for:
        _refuse(
            release,
            [_lost(name, there, release) for name in newer],
            "roll back the newer release, or name in workloads those that are to go back all the same",
        )
    return [_lost(name, there, release) for name in left]


def _ways(api: KubeApi, context: Context, there: dict[str, Object]) -> dict[str, Way]:
    params, names = context.params, context.params["workloads"] or []
    if params["to_revision"] is not None:
        return to_revision(api, params["namespace"], there, params["release"], names, params["to_revision"])
    if params["to_release"]:
        return to_release(api, params["namespace"], there, context, params["to_release"], names)
    return to_baseline(there, params["release"], names)


def _chosen(by_kind: dict[str, dict[str, Object]], release: str) -> dict[str, Object]:
    """By name over all kinds. Of two that share a name the one
    that this release has touched is meant, else the Deployment.
    """
    found: dict[str, Object] = {}
    both = []
    for kind in WORKLOADS:
        for name, thing in by_kind[kind].items():
            if (
                name in found
                and baseline.recorded(thing, release)
                and baseline.recorded(found[name], release)
            ):
                both.append(
                    f"{found[name]['kind']} {name} and {kind} {name} were both changed by it, and only one of a name can be taken back"
                )
            if name not in found or baseline.recorded(thing, release):
                found[name] = thing
    _refuse(release, both, "kubectl rollout undo takes back one of them")
    return found


def run(api: KubeApi, context: Context) -> Result:
    params = context.params
    namespace, release = params["namespace"], params["release"]
    record = Record(api, namespace, release, context.clock)
    kept = record.read()
    if params["unfinished_only"] and (closed := kept["verdict"]):
        context.say(f"release {release} was finished at {closed['at']} ({closed['verdict']}); it stays")
        return Result(False, values={"workloads": [], "finished": True})
    by_kind, versions = read(api, namespace, WORKLOADS)
    there = _chosen(by_kind, release)
    everything = not params["workloads"] and not params["to_release"]
    left = _left(context, kept, there) if everything else []
    scalers = Autoscalers(api, context)
    ways = {
        name: way._replace(parts=scalers.respected(there[name], way.parts))
        for name, way in _ways(api, context, there).items()
    }
    waves = plan(there, ways, params["timeout"])
    steps = [step for wave in waves for step in wave]
    before, after = diff(steps)
    if context.check_mode or not after:
        for step in steps:
            if step.patch:
                context.say(f"would take back {step.name}: {step}")
        if left:
            raise _in_part(release, left, [], wrote=False)
        return Result(
            bool(after), before, after, {"workloads": [step.told() for step in steps], "finished": False}
        )
    lock = Lock(api, context)
    lock.take(params["lock_force"])
    record.begin(
        "rollback",
        {"reason": context.redact.text(params["reason"] or ""), "workloads": [step.name for step in steps]},
        again=False,
    )
    told, failed = [], []
    versions = {
        path: version
        for path, version in versions.items()
        if any(path in step.path(namespace) for step in steps)
    }
    with Wait(api, context, {step.name: there[step.name] for step in steps}, versions) as wait:
        for wave in waves:
            lock.confirm()
            # A wave that does not come back is told at the end: the waves
            # before it have to go back all the same.
            try:
                for step in wave:
                    lock.fence()
                    config.restore(
                        api, namespace, config_text(step.after), config_text(step.before), context.say
                    )
                wait.roll(
                    wave,
                    lambda thing: _step(thing, ways[thing["metadata"]["name"]], params["timeout"]),
                    lock,
                    how="back ",
                )
                told += [step.told(wait.settled[step.name]) for step in wave]
            except LockLost:
                raise
            except ReleaseError as exc:
                failed.append(exc)
    record.end(
        "rollback",
        {"workloads": told, "failed": [context.redact.text(text) for text in [*map(str, failed), *left]]},
    )
    if failed or left:
        raise _in_part(release, [*map(str, failed), *left], [item["name"] for item in told], wrote=True)
    return Result(True, before, after, {"workloads": told, "finished": False})


def _in_part(release: str, why: list[str], back: list[str], wrote: bool) -> ReleaseError:
    return ReleaseError(
        f"Release {release} was rolled back in part only."
        if wrote
        else f"Release {release} can be rolled back in part only.",
        why=why,
        done=f"back on what ran before: {', '.join(back) or 'none'}" if wrote else "",
        then="mend what is named above, then run the rollback again: it goes on where it stopped; or name the workloads that are to go back",
        changed=wrote,
    )


OPERATION = Operation(
    {
        **NAMESPACE,
        **LOCK,
        **TIMEOUT,
        "release": Option("str", REQUIRED),
        "workloads": Option("list", each=Option("str")),
        "to_revision": Option("int", low=1),
        "to_release": Option("str"),
        "reason": Option("str"),
        "unfinished_only": Option("bool", False),
    },
    ClusterApi,
    run,
    {
        "mutually_exclusive": [["to_revision", "to_release", "unfinished_only"]],
        "required_by": {"to_revision": ["workloads"]},
    },
)
