# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Rolls out the waves of a release: everything is planned before anything
changes, then each wave is changed as a whole and waited for.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..._common.errors import InputError, ReleaseError
from ..._common.operation import Context, Operation, Result
from ..._common.options import REQUIRED, Option
from ..._release.lock import LockLost, ReleaseLock
from ..._release.record import Record
from ..api.client import ClusterApi
from ..api.options import LOCK, NAMESPACE, TIMEOUT
from ..api.port import WORKLOADS, KubeApi, Object
from ..release_state.config_map import record_of
from ..release_state.lease import Lease
from ..workload import config_copies
from ..workload.autoscaler import Autoscalers
from ..workload.change import Change, diff
from ..workload.fields.values import images
from ..workload.listing import read
from .outcome import digests, on, position, untouched
from .plan import Planner, problems
from .strategies.base import Service
from .strategies.registry import STRATEGIES, options_of_strategies
from .wave import WaveRunner, WaveScope


@dataclasses.dataclass(frozen=True)
class RolloutOptions:
    """
    :ivar parallel: how many workloads of a wave roll out at a time; 0: all of them.
    :ivar lock_token: of the lock that an earlier task has taken.
    :ivar lock_force: take the lock over from another run.
    """

    namespace: str
    parallel: int
    lock_token: int | None
    lock_force: bool


def run(api: KubeApi, context: Context) -> Result:
    params = context.params
    namespace = params["namespace"]
    release = params["release"]
    services = params["workloads"]
    live, versions = read(api, namespace, (service["kind"] for service in services))
    names = (name for service in services for name in service["config"] or [])
    contents, wrong = config_copies.read(api, namespace, names)
    _refuse([*wrong, *problems(services, live, params["timeout"])])
    services = [_with_config(service, contents) for service in services]
    objects = {service["name"]: live[service["kind"]][service["name"]] for service in services}
    planner = Planner(release, params["timeout"], Autoscalers(api, namespace, context.say).respected)
    changes = planner.changes(services, objects)
    before, after = diff(changes)
    if context.check_mode:
        for change in changes:
            if change.patch:
                context.say(f"would change {change.name}: {change}")
        return Result(bool(after), before, after, {"workloads": [change.as_result() for change in changes]})
    options = RolloutOptions(namespace, params["parallel"] or 0, params["lock_token"], params["lock_force"])
    rollout = _Rollout(
        api,
        context,
        options,
        planner,
        contents,
        Lease(api, namespace, release, context),
        record_of(api, namespace, release, context.clock),
    )
    scope = WaveScope(namespace, versions, params["stuck_after"], watches_settled=True)
    with WaveRunner(api, context, objects, scope) as wave:
        workloads = rollout.run(services, changes, wave)
    return Result(bool(after), before, after, {"workloads": workloads, "lock_token": rollout.token})


def _refuse(wrong: t.Sequence[str]) -> None:
    """Whatever does not fit what is in the cluster, all of it, is one InputError."""
    if wrong:
        raise InputError(
            "The rollout does not fit what is in the cluster; nothing was changed.",
            why=list(dict.fromkeys(wrong)),
            then="correct release_services, or create what is missing",
        )


def _with_config(service: Service, contents: t.Mapping[str, Object]) -> Service:
    return {**service, "config_text": config_copies.text(contents, service["config"] or [])}


class _Stopped(Exception):
    """A wave that failed, and where its workloads are now."""

    def __init__(self, error: ReleaseError, positions: list[str]) -> None:
        super().__init__(str(error))
        self.error = error
        self.positions = positions


@dataclasses.dataclass(frozen=True)
class _Rollout:
    """The waves of one release, under its lock and with its record."""

    api: KubeApi
    context: Context
    options: RolloutOptions
    planner: Planner
    contents: t.Mapping[str, Object]
    lock: ReleaseLock
    record: Record

    @property
    def token(self) -> int | None:
        """Of the lock that this run has taken, else the one that it was given."""
        return self.options.lock_token if self.lock.token is None else self.lock.token

    def run(
        self, services: t.Sequence[Service], changes: t.Sequence[Change], wave: WaveRunner
    ) -> list[dict[str, t.Any]]:
        done: list[dict[str, t.Any]] = []
        for number in sorted({change.wave for change in changes}):
            try:
                done += self._wave([service for service in services if service["wave"] == number], wave)
            except _Stopped as stopped:
                positions = [on(item["name"], item["images"]) for item in done]
                positions += stopped.positions
                positions += [untouched(change.name) for change in changes if change.wave > number]
                raise self._with_positions(stopped.error, positions) from stopped.error
        by_workload = self._digests(done)
        return [{**item, "digests": by_workload.get(item["name"], {})} for item in done]

    def _wave(self, services: t.Sequence[Service], wave: WaveRunner) -> list[dict[str, t.Any]]:
        """One wave, planned again: what others have written since the beginning counts."""
        self._refuse_deleted(services, wave)
        number = services[0]["wave"]
        changes = self.planner.changes(services, wave.objects)
        _before, after = diff(changes)
        if after:
            self._begin(services, changes)
        try:
            wave.run(self.planner.moves(services, wave.objects), self.lock, self.options.parallel)
        except LockLost:
            raise  # the record belongs to the other run now
        except ReleaseError as exc:
            if after:
                self.record.end("wave", {"wave": number, "failed": self.context.redact.text(exc.what)})
            raise _Stopped(exc, [position(change, wave) for change in changes]) from exc
        done = [change.as_result(wave.settled[change.name]) for change in changes]
        if after:
            self.record.end("wave", {"wave": number, "workloads": done})
        return done

    def _refuse_deleted(self, services: t.Sequence[Service], wave: WaveRunner) -> None:
        deleted = [service["name"] for service in services if service["name"] not in wave.objects]
        if deleted:
            error = InputError(
                f"{', '.join(deleted)} was deleted before its wave began.",
                then="create what is missing, then run the release again",
            )
            positions = [untouched(service["name"]) for service in services if service["name"] not in deleted]
            raise _Stopped(error, positions)

    def _begin(self, services: t.Sequence[Service], changes: t.Sequence[Change]) -> None:
        """Lock, record and copies of the configuration: all before the first change."""
        self.lock.take_or_confirm(self.token, self.options.lock_force)
        needed = [change for change in changes if change.patch]
        moved = {
            change.name: {"from": images(change.before), "to": images(change.after)} for change in needed
        }
        self.record.begin("wave", {"wave": needed[0].wave, "changes": moved})
        names = {name for service in services if service["name"] in moved for name in service["config"] or []}
        copies = {name: self.contents[name] for name in sorted(names)}
        config_copies.keep(self.api, self.options.namespace, copies)

    def _digests(self, done: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, dict[str, str]]:
        """Of what was rolled out, for the record too; nothing where nothing was written."""
        if self.lock.token is None:
            return {}
        desired = {item["name"]: item["images"] for item in done}
        by_workload = digests(self.api, self.options.namespace, desired)
        self.record.end("images", {"digests": by_workload})
        return by_workload

    def _with_positions(self, error: ReleaseError, positions: list[str]) -> ReleaseError:
        details = {**error.details, "changed": self.lock.token is not None}
        return type(error)(
            f"Release {self.planner.release}: {error.what}",
            why=[*error.why, "now: " + "; ".join(positions)],
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
                    "strategy": Option("str", choices=list(STRATEGIES)),
                    **options_of_strategies(),
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
