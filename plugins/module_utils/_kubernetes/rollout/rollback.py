# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Rolls back every workload that a release touched, in reverse wave order; each wave is waited for.

The target is the baseline that the release recorded, a revision of one
workload, or what ran in an older release by its record.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..._common.errors import ReleaseError
from ..._common.operation import Context, Operation, Result
from ..._common.options import REQUIRED, Option
from ..._release.lock import LockLost, ReleaseLock
from ..._release.record import Record
from ..api.client import ClusterApi
from ..api.options import LOCK, NAMESPACE, TIMEOUT
from ..api.port import WORKLOADS, KubeApi, Object
from ..release_state.config_map import record_of
from ..release_state.lease import Lease
from ..workload import baseline
from ..workload import config_copies as config
from ..workload.autoscaler import Autoscalers
from ..workload.change import Change, diff
from ..workload.fields import values as fields
from ..workload.listing import read
from . import rollback_target
from .plan import STEP
from .rollback_target import RollbackTarget, ToRelease, list_records, refuse, why_lost
from .wave import WaveRunner, WaveScope, at_once


@dataclasses.dataclass(frozen=True)
class RollbackOptions:
    """What is rolled back, and to what; without ``to_revision`` and ``to_release`` to the recorded baselines.

    :ivar workloads: their names; none for all that the release touched.
    :ivar unfinished_only: nothing when the release is finished. Nobody has chosen this
        rollback, so it takes what there is.
    :ivar timeout: seconds that each workload may take.
    :ivar reason: for the record.
    :ivar lock_force: take the lock over from another run.
    """

    namespace: str
    release: str
    workloads: t.Sequence[str]
    to_revision: int | None
    to_release: str | None
    unfinished_only: bool
    timeout: int
    reason: str
    lock_force: bool

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any]) -> RollbackOptions:
        given = {field.name: params[field.name] for field in dataclasses.fields(cls)}
        given["workloads"] = given["workloads"] or []
        given["reason"] = given["reason"] or ""
        return cls(**given)


def plan(
    live: t.Mapping[str, Object], targets: t.Mapping[str, RollbackTarget], timeout: int
) -> list[list[Change]]:
    """The waves to undo, last wave first."""
    changes = [_change(live[name], target, timeout) for name, target in targets.items()]
    numbers = sorted({change.wave for change in changes}, reverse=True)
    return [[change for change in changes if change.wave == number] for number in numbers]


def _change(live: Object, target: RollbackTarget, timeout: int) -> Change:
    before = fields.live(live, target.values)
    # A container that was not there before the release (and cannot
    # be there by this collection's doing) stays as it is.
    after = {path: value for path, value in target.values.items() if path in before}
    marks: dict[str, str | None] = {
        baseline.RELEASE: target.release or None,
        baseline.BASELINE: None,
        baseline.UNDONE: baseline.release_of(live) or None,
        STEP: None,
    }
    # A workload that already runs the requested revision needs no patch.
    is_marked = baseline.BASELINE in (live["metadata"].get("annotations") or {})
    patch: Object = {}
    if is_marked or fields.differing(before, after):
        patch = fields.patch(live, before, after, marks)
    return Change.of(live, before, after, patch, wave=target.wave, timeout=timeout)


def run(api: KubeApi, context: Context) -> Result:
    options = RollbackOptions.of(context.params)
    namespace = options.namespace
    release = options.release
    record = record_of(api, namespace, release, context.clock)
    kept = record.read()
    if options.unfinished_only and (closed := kept["verdict"]):
        context.say(f"release {release} was finished at {closed['at']} ({closed['verdict']}); it stays")
        return Result(False, values={"workloads": [], "finished": True})
    by_kind, versions = read(api, namespace, WORKLOADS)
    live = rollback_target.choose(by_kind, release)
    left = _left(options, kept, live)
    targets = _targets(api, context, options, live)
    waves = plan(live, targets, options.timeout)
    changes = [change for wave in waves for change in wave]
    before, after = diff(changes)
    if context.check_mode or not after:
        for change in changes:
            if change.patch:
                context.say(f"would roll back {change.name}: {change}")
        if left:
            raise _partly(release, left, [], wrote=False)
        values = {"workloads": [change.as_result() for change in changes], "finished": False}
        return Result(bool(after), before, after, values)
    lock = Lease(api, namespace, release, context)
    scope = WaveScope(namespace, versions, context.params["stuck_after"])
    rollback = _Rollback(api, context, options, lock, record, live, targets)
    back = rollback.run(waves, scope.of(changes), left)
    return Result(True, before, after, {"workloads": back, "finished": False})


def _targets(
    api: KubeApi, context: Context, options: RollbackOptions, live: t.Mapping[str, Object]
) -> dict[str, RollbackTarget]:
    names = options.workloads
    namespace = options.namespace
    release = options.release
    if options.to_revision is not None:
        targets = rollback_target.to_revision(api, namespace, live, release, names, options.to_revision)
    elif options.to_release:
        older = ToRelease(api, namespace, release, context.clock)
        targets = older.targets(live, options.to_release, names)
    else:
        targets = rollback_target.to_baseline(live, release, names)
    respected = Autoscalers(api, namespace, context.say).respected
    return {
        name: target._replace(values=respected(live[name], target.values)) for name, target in targets.items()
    }


def _left(options: RollbackOptions, record: t.Mapping[str, t.Any], live: t.Mapping[str, Object]) -> list[str]:
    """Workloads of this release that cannot be rolled back. Deleted ones are reported at the
    end; ones that a newer release changed stop the rollback before it begins.
    """
    release = options.release
    namespace = options.namespace
    if options.workloads or options.to_release:
        return []
    left = rollback_target.lost(record, live, release)
    if not options.unfinished_only:
        is_marked = any(
            release in (baseline.release_of(workload), baseline.undone(workload))
            for workload in live.values()
        )
        if not (left or record["attempt"] or is_marked):
            refuse(
                release,
                [
                    f"nothing in namespace {namespace} knows of it: no workload carries its marks, "
                    "and there is no record of it"
                ],
                f"{list_records(namespace)} shows which releases there are records of",
            )
        newer = [name for name in left if name in live and baseline.release_of(live[name])]
        refuse(
            release,
            [why_lost(name, live, release) for name in newer],
            "roll back the newer release, or name in workloads those that are to be rolled back all the same",
        )
    return [why_lost(name, live, release) for name in left]


@dataclasses.dataclass(frozen=True)
class _Rollback:
    api: KubeApi
    context: Context
    options: RollbackOptions
    lock: ReleaseLock
    record: Record
    live: t.Mapping[str, Object]
    targets: t.Mapping[str, RollbackTarget]

    def run(
        self, waves: t.Sequence[t.Sequence[Change]], scope: WaveScope, left: t.Sequence[str]
    ) -> list[dict[str, t.Any]]:
        redact = self.context.redact
        changes = [change for wave in waves for change in wave]
        self.lock.take(self.options.lock_force)
        reason = redact.text(self.options.reason)
        entry = {"reason": reason, "workloads": [change.name for change in changes]}
        self.record.begin("rollback", entry, again=False)
        objects = {change.name: self.live[change.name] for change in changes}
        back: list[dict[str, t.Any]] = []
        failed: list[str] = []
        with WaveRunner(self.api, self.context, objects, scope) as runner:
            for wave in waves:
                self.lock.confirm()
                # A wave that cannot be rolled back is reported at the end:
                # the waves before it have to go back all the same.
                try:
                    back += self._wave(wave, runner)
                except LockLost:
                    raise
                except ReleaseError as exc:
                    failed.append(str(exc))
        reasons = [*failed, *left]
        redacted = [redact.text(reason) for reason in reasons]
        self.record.end("rollback", {"workloads": back, "failed": redacted})
        if reasons:
            raise _partly(self.options.release, reasons, [item["name"] for item in back], wrote=True)
        return back

    def _wave(self, wave: t.Sequence[Change], runner: WaveRunner) -> list[dict[str, t.Any]]:
        for change in wave:
            self.lock.assert_held()
            config.restore(
                self.api,
                self.options.namespace,
                fields.config_text(change.after),
                fields.config_text(change.before),
                self.context.say,
            )

        def replan(obj: Object) -> Change:
            return _change(obj, self.targets[obj["metadata"]["name"]], self.options.timeout)

        runner.run([at_once(change, replan) for change in wave], self.lock, verb="back ")
        return [change.as_result(runner.settled[change.name]) for change in wave]


def _partly(release: str, why: t.Sequence[str], back: t.Sequence[str], wrote: bool) -> ReleaseError:
    verb = "was only" if wrote else "can only be"
    return ReleaseError(
        f"Release {release} {verb} partly rolled back.",
        why=why,
        done=f"back on what ran before: {', '.join(back) or 'none'}" if wrote else "",
        then="fix the problems listed above, then run the rollback again: it goes on where it stopped; "
        "or name the workloads that are to be rolled back",
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
