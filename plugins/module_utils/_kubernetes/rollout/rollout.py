# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Rolling out waves: everything is planned before anything
changes, then each wave is changed as a whole and waited for.
"""

from __future__ import annotations

import typing as t

from ..._common.errors import InputError, ReleaseError
from ..._common.operation import Context, Operation, Result
from ..._common.options import REQUIRED, Option
from ..api.client import ClusterApi
from ..api.options import LOCK, NAMESPACE, TIMEOUT
from ..api.port import WORKLOADS, KubeApi, Object, workloads
from ..release_state.lock import Lock, LockLost
from ..release_state.record import Record
from ..workload import baseline
from ..workload import config_copies as config
from ..workload import fields as parts
from ..workload import validation as asked
from ..workload.autoscaler import Autoscalers
from ..workload.change import Change, diff, images, short
from ..workload.status import by_name
from .wave import Wait, digests

Workload = dict[str, t.Any]
Respected = t.Callable[[Object, parts.Parts], parts.Parts]
Planned = t.Callable[[list[Workload], dict[str, Object]], list[Change]]


def read(
    api: KubeApi, namespace: str, kinds: t.Iterable[str]
) -> tuple[dict[str, dict[str, Object]], dict[str, str]]:
    """All objects by kind and name, and the version of each list by its path."""
    there, versions = {}, {}
    for kind in sorted(set(kinds)):
        path = workloads(kind, namespace)
        listing = api.get(path)
        there[kind], versions[path] = by_name(listing, kind), listing["metadata"]["resourceVersion"]
    return there, versions


def plan(
    wanted: list[Workload],
    there: dict[str, Object],
    release: str,
    timeout: int = 300,
    respected: Respected = lambda _thing, wanted: wanted,
) -> list[Change]:
    """Every workload with what has to change.

    :param there: the objects by name.
    :param respected: leaves out what is somebody else's to set.
    """
    return [_change(workload, there[workload["name"]], release, timeout, respected) for workload in wanted]


def check(
    wanted: list[Workload], there: dict[str, dict[str, Object]], timeout: int, found: list[str]
) -> None:
    """Whatever does not fit what is in the cluster, all of
    it, is one InputError. ``found``: what is wrong already.
    """
    problems = [*found, *asked.unfit(wanted, there)]
    for workload in wanted:
        thing = there[workload["kind"]].get(workload["name"])
        problems += _problems(workload, thing, workload["timeout"] or timeout) if thing else []
    if problems:
        raise InputError(
            "The rollout does not fit what is in the cluster; nothing was changed.",
            why=list(dict.fromkeys(problems)),
            then="correct release_services, or create what is missing",
        )


def _problems(workload: Workload, thing: Object, timeout: int) -> t.Iterator[str]:
    what = f"{thing['kind']} {workload['name']}"
    if thing["kind"] != "Deployment" and workload["strategy"]:
        yield f"{what} takes no strategy; only a Deployment does"
    if (thing["spec"].get("updateStrategy") or {}).get("type") == "OnDelete":
        yield f"{what} replaces pods only when they are deleted (its updateStrategy is OnDelete); allowed: RollingUpdate"
    if thing["spec"].get("paused"):
        yield f"{what} is paused, nothing rolls out before: kubectl -n {thing['metadata']['namespace']} rollout resume deployment {workload['name']}"
    if thing["spec"].get("minReadySeconds", 0) >= timeout:
        yield f"{what} can not settle in time: its minReadySeconds is {thing['spec']['minReadySeconds']}, the timeout {timeout} s"


def _change(workload: Workload, thing: Object, release: str, timeout: int, respected: Respected) -> Change:
    after = respected(thing, parts.wanted(workload))
    now = parts.observed(thing, after)
    patch: Object = {}
    if parts.differing(now, after):
        kept = baseline.before(thing, release, workload["wave"], after)
        marks: dict[str, str | None] = {
            baseline.RELEASE: release,
            baseline.BASELINE: kept.as_text(),
            baseline.UNDONE: None,
        }
        patch = parts.body(thing, now, after, marks)
    return Change(
        workload["name"],
        thing["kind"],
        thing["metadata"]["uid"],
        workload["wave"],
        now,
        after,
        patch,
        workload["timeout"] or timeout,
    )


def run(api: KubeApi, context: Context) -> Result:
    params, wanted = context.params, context.params["workloads"]
    there, versions = read(api, params["namespace"], (workload["kind"] for workload in wanted))
    contents, problems = config.read(
        api, params["namespace"], (name for workload in wanted for name in workload["config"] or [])
    )
    check(wanted, there, params["timeout"], problems)
    wanted = [
        {**workload, "config_text": config.text(contents, workload["config"] or [])} for workload in wanted
    ]
    objects = {workload["name"]: there[workload["kind"]][workload["name"]] for workload in wanted}
    scalers = Autoscalers(api, context)

    def planned(wanted: list[Workload], there: dict[str, Object]) -> list[Change]:
        return plan(wanted, there, params["release"], params["timeout"], scalers.respected)

    changes = planned(wanted, objects)
    before, after = diff(changes)
    if context.check_mode:
        for change in changes:
            if change.patch:
                context.say(f"would change {change.name}: {change}")
        return Result(bool(after), before, after, {"workloads": [change.told() for change in changes]})
    record, lock = Record(api, params["namespace"], params["release"], context.clock), Lock(api, context)
    told: list[dict[str, t.Any]] = []
    with Wait(api, context, objects, versions, look_back=True) as wait:
        for wave in sorted({change.wave for change in changes}):
            try:
                told += _wave(
                    context,
                    [workload for workload in wanted if workload["wave"] == wave],
                    planned,
                    wait,
                    record,
                    lock,
                    contents,
                )
            except _Stopped as exc:
                where = [*(_on(item["name"], item["images"]) for item in told), *exc.where]
                where += [f"{change.name} untouched" for change in changes if change.wave > wave]
                raise _told_where(exc.error, params["release"], where, lock.token is not None) from exc.error
    wrote = lock.token is not None
    found = (
        digests(api, params["namespace"], {item["name"]: item["images"] for item in told}) if wrote else {}
    )
    if wrote:
        record.end("images", {"digests": found})
    told = [{**item, "digests": found.get(item["name"], {})} for item in told]
    return Result(
        bool(after),
        before,
        after,
        {"workloads": told, "lock_token": params["lock_token"] if lock.token is None else lock.token},
    )


class _Stopped(Exception):
    """A wave that failed, and where its workloads are now."""

    def __init__(self, error: ReleaseError, where: list[str]) -> None:
        super().__init__(str(error))
        self.error, self.where = error, where


def _wave(
    context: Context,
    wanted: list[Workload],
    planned: Planned,
    wait: Wait,
    record: Record,
    lock: Lock,
    contents: dict[str, Object],
) -> list[dict[str, t.Any]]:
    """One wave, planned anew: what others have written since the beginning counts."""
    params, wave = context.params, wanted[0]["wave"]
    if gone := [workload["name"] for workload in wanted if workload["name"] not in wait.objects]:
        error = InputError(
            f"{', '.join(gone)} was deleted before its wave began.",
            then="create what is missing, then run the release again",
        )
        raise _Stopped(
            error, [f"{workload['name']} untouched" for workload in wanted if workload["name"] not in gone]
        )
    changes = planned(wanted, wait.objects)

    def again(thing: Object) -> Change:
        return planned(
            [workload for workload in wanted if workload["name"] == thing["metadata"]["name"]], wait.objects
        )[0]

    _before, after = diff(changes)
    if after:
        lock.enter(params["lock_token"] if lock.token is None else lock.token, params["lock_force"])
        moved = {
            change.name: {"from": images(change.before), "to": images(change.after)}
            for change in changes
            if change.patch
        }
        record.begin("wave", {"wave": wave, "changes": moved})
        read_here = {
            name for workload in wanted for name in workload["config"] or [] if workload["name"] in after
        }
        config.keep(wait.api, params["namespace"], {name: contents[name] for name in sorted(read_here)})
    try:
        wait.roll(changes, again, lock, params["parallel"] or 0)
    except LockLost:
        raise  # the record belongs to the other run now
    except ReleaseError as exc:
        if after:
            record.end("wave", {"wave": wave, "failed": context.redact.text(exc.what)})
        raise _Stopped(exc, [_where(change, wait) for change in changes]) from exc
    told = [change.told(wait.settled[change.name]) for change in changes]
    if after:
        record.end("wave", {"wave": wave, "workloads": told})
    return told


def _where(change: Change, wait: Wait) -> str:
    if change.name in wait.settled:
        return _on(change.name, images(change.after))
    if change.name not in wait.objects:
        return f"{change.name} deleted"
    if change.patch and not wait.began(change):
        return f"{change.name} untouched"
    now = wait.objects[change.name].get("status") or {}
    available = now.get("availableReplicas", now.get("numberAvailable", 0))
    before, to = _shorts(images(change.before)), _shorts(images(change.after))
    return (
        f"{change.name} "
        + (f"between {before} and {to}" if before != to else "half-way")
        + f" ({available} available)"
    )


def _on(name: str, images_by_container: dict[str, str]) -> str:
    """A release need not name images: then its settings are what it brings."""
    return f"{name} on {_shorts(images_by_container) or 'its new settings'}"


def _shorts(images_by_container: dict[str, str]) -> str:
    return ", ".join(short(image) for image in images_by_container.values())


def _told_where(error: ReleaseError, release: str, where: list[str], wrote: bool) -> ReleaseError:
    details = {**error.details, "changed": wrote}
    return type(error)(
        f"Release {release}: {error.what}",
        why=[*error.why, "now: " + "; ".join(where)],
        done=error.done,
        then=error.then,
        **details,
    )


OPERATION = Operation(
    {
        **NAMESPACE,
        **LOCK,
        **TIMEOUT,
        "release": Option("str", REQUIRED),
        "lock_token": Option("int", secret=False),
        "workloads": Option(
            "list",
            REQUIRED,
            each=Option(
                "dict",
                fields={
                    "name": Option("str", REQUIRED),
                    "kind": Option("str", "Deployment", choices=list(WORKLOADS)),
                    "images": Option("dict"),
                    "env": Option("dict", secret=False),
                    "resources": Option("dict"),
                    "config": Option("list", each=Option("str")),
                    "replicas": Option("int", low=0),
                    "strategy": Option("str", choices=["rolling", "recreate"]),
                    "timeout": Option("int", low=1),
                    "wave": Option("int", 1, low=1),
                },
            ),
        ),
        "parallel": Option("int", low=1),
    },
    ClusterApi,
    run,
)
