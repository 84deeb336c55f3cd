# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Rolling out one wave: observe, plan, apply, and what is now where."""

from __future__ import annotations

import dataclasses
import typing as t

from .._common._errors import InputError, ReleaseError
from .._common._operation import Context, Result
from .._common._schema import like
from . import _baseline as baseline
from ._port import KubeApi, Object, deployments
from ._record import Record
from ._settle import Target, Wait
from ._workload import images


@dataclasses.dataclass(frozen=True)
class Change:
    """One workload from what is there to what is wanted; ``patch`` is empty when nothing has to change."""

    name: str
    target: Target
    before: dict[str, t.Any]
    after: dict[str, t.Any]
    patch: Object

    def __str__(self) -> str:
        said = [f"{short(self.before['images'][c])} -> {short(image)}" for c, image in self.after["images"].items() if image != self.before["images"][c]]
        if self.after.get("replicas", self.before["replicas"]) != self.before["replicas"]:
            said.append(f"{self.before['replicas']} -> {self.after['replicas']} replicas")
        return f"{self.name}: {', '.join(said)}"


def short(image: str) -> str:
    """An image as a person says it: its tag or digest; the repository stays the same nearly always."""
    name = image.rsplit("/", 1)[-1]
    return name.split("@", 1)[1][:19] if "@" in name else name.partition(":")[2] or name


def plan(workloads: list[dict[str, t.Any]], there: dict[str, Object], release: str, wave: int) -> list[Change]:
    """Every workload with what has to change. Unknown names and containers, all of them, are one InputError."""
    problems = _problems(workloads, there)
    if problems:
        raise InputError(
            "The rollout does not fit what is in the cluster; nothing was changed.", why=problems, then="correct release_services, or create what is missing"
        )
    return [_change(workload, there[workload["name"]], release, wave) for workload in workloads]


def _problems(workloads: list[dict[str, t.Any]], there: dict[str, Object]) -> list[str]:
    problems = []
    names = [workload["name"] for workload in workloads]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            problems.append(f"workload {name} is listed {names.count(name)} times")
        if name not in there:
            problems.append(f"no Deployment named {name}{like(name, there)}; there are: {', '.join(sorted(there)) or 'none'}")
    for workload in workloads:
        known = images(there[workload["name"]]) if workload["name"] in there else None
        for container in workload["images"] if known is not None else []:
            if container not in (known or {}):
                problems.append(f"Deployment {workload['name']} has no container named {container}; it has: {', '.join(known or {})}")
    return problems


def _change(workload: dict[str, t.Any], thing: Object, release: str, wave: int) -> Change:
    now = {"images": {name: image for name, image in images(thing).items() if name in workload["images"]}, "replicas": thing["spec"].get("replicas", 1)}
    replicas = workload.get("replicas")
    after = {"images": dict(workload["images"]), "replicas": now["replicas"] if replicas is None else replicas}
    target = Target(thing["metadata"]["uid"], dict(workload["images"]))
    if now == after:
        return Change(workload["name"], target, now, after, {})
    # A baseline that this release has recorded already is what ran before it: a second look would record our own half-done work.
    kept = baseline.recorded(thing, release) or baseline.observed(thing, wave)
    annotations: dict[str, str | None] = {baseline.RELEASE: release, baseline.BASELINE: kept.as_text(), baseline.UNDONE: None}
    wanted = {name: image for name, image in after["images"].items() if now["images"][name] != image}
    return Change(workload["name"], target, now, after, baseline.body(thing, wanted, replicas if replicas != now["replicas"] else None, annotations))


def run(api: KubeApi, context: Context) -> Result:
    params = context.params
    namespace, release = params["namespace"], params["release"]
    listing = api.get(deployments(namespace))
    there = {item["metadata"]["name"]: item for item in listing["items"]}
    changes = plan(params["workloads"], there, release, params["wave"])
    needed = [change for change in changes if change.patch]
    before, after = {c.name: c.before for c in needed}, {c.name: c.after for c in needed}
    if context.check_mode:
        for change in needed:
            context.say(f"would change {change}")
        return Result(bool(needed), before, after, {"workloads": [_told(change, None, {}) for change in changes]})
    record = Record(api, namespace, release, context.clock)
    if needed:
        record.begin("wave", {"wave": params["wave"], "changes": {c.name: {"from": c.before["images"], "to": c.after["images"]} for c in needed}})
    for change in needed:
        there[change.name] = api.patch(f"{deployments(namespace)}/{change.name}", change.patch)
        context.say(str(change))
    wait = Wait(api, namespace, {change.name: change.target for change in changes}, there, context)
    try:
        wait.until_settled(listing["metadata"]["resourceVersion"], params["timeout"])
    except ReleaseError as exc:
        if needed:
            record.end("wave", {"wave": params["wave"], "failed": context.redact.text(exc.what)})
        where = [_where(change, wait) for change in changes]
        raise _told_where(exc, release, where) from exc
    told = [_told(change, wait.settled[change.name], wait.digests().get(change.name, {})) for change in changes]
    if needed:
        record.end("wave", {"wave": params["wave"], "workloads": told})
    return Result(bool(needed), before, after, {"workloads": told})


def _told(change: Change, seconds: float | None, digests: dict[str, str]) -> dict[str, t.Any]:
    told = {"name": change.name, "changed": bool(change.patch), "images_before": change.before["images"], "images": change.after["images"]}
    return told if seconds is None else {**told, "seconds": seconds, "digests": digests}


def _where(change: Change, wait: Wait) -> str:
    to = _shorts(change.after)
    if change.name in wait.settled:
        return f"{change.name} on {to}"
    available = (wait.objects[change.name].get("status") or {}).get("availableReplicas", 0)
    return f"{change.name} between {_shorts(change.before)} and {to} ({available} available)"


def _shorts(side: dict[str, t.Any]) -> str:
    return ", ".join(short(image) for image in side["images"].values())


def _told_where(error: ReleaseError, release: str, where: list[str]) -> ReleaseError:
    return type(error)(f"Release {release}: {error.what}", why=[*error.why, "now: " + "; ".join(where)], done=error.done, then=error.then, **error.details)
