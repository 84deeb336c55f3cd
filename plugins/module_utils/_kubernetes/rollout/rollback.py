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
from .wave import WaveRunner, at_once


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
    params = context.params
    namespace, release = params["namespace"], params["release"]
    record = record_of(api, namespace, release, context.clock)
    kept = record.read()
    if params["unfinished_only"] and (closed := kept["verdict"]):
        context.say(f"release {release} was finished at {closed['at']} ({closed['verdict']}); it stays")
        return Result(False, values={"workloads": [], "finished": True})
    by_kind, versions = read(api, namespace, WORKLOADS)
    live = rollback_target.choose(by_kind, release)
    left = _left(context, kept, live)
    targets = _targets(api, context, live)
    waves = plan(live, targets, params["timeout"])
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
    rollback = _Rollback(api, context, Lease(api, namespace, release, context), record, live, targets)
    paths = {change.path(namespace).rpartition("/")[0] for change in changes}
    watched = {path: version for path, version in versions.items() if path in paths}
    back = rollback.run(waves, watched, left)
    return Result(True, before, after, {"workloads": back, "finished": False})


def _targets(api: KubeApi, context: Context, live: t.Mapping[str, Object]) -> dict[str, RollbackTarget]:
    params, names = context.params, context.params["workloads"] or []
    namespace, release = params["namespace"], params["release"]
    if params["to_revision"] is not None:
        found = rollback_target.to_revision(api, namespace, live, release, names, params["to_revision"])
    elif params["to_release"]:
        found = ToRelease(api, namespace, release, context.clock).targets(live, params["to_release"], names)
    else:
        found = rollback_target.to_baseline(live, release, names)
    respected = Autoscalers(api, namespace, context.say).respected
    return {
        name: target._replace(values=respected(live[name], target.values)) for name, target in found.items()
    }


def _left(context: Context, record: t.Mapping[str, t.Any], live: t.Mapping[str, Object]) -> list[str]:
    """Workloads of this release that cannot be rolled back. Deleted ones are reported at the
    end; ones that a newer release changed stop the rollback before it begins.

    A rollback that nobody has asked for (``unfinished_only``) takes what there is.
    """
    params = context.params
    release, namespace = params["release"], params["namespace"]
    if params["workloads"] or params["to_release"]:
        return []
    left = rollback_target.lost(record, live, release)
    if not params["unfinished_only"]:
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
    lock: ReleaseLock
    record: Record
    live: t.Mapping[str, Object]
    targets: t.Mapping[str, RollbackTarget]

    def run(
        self, waves: t.Sequence[t.Sequence[Change]], versions: dict[str, str], left: t.Sequence[str]
    ) -> list[dict[str, t.Any]]:
        params, redact = self.context.params, self.context.redact
        changes = [change for wave in waves for change in wave]
        self.lock.take(params["lock_force"])
        reason = redact.text(params["reason"] or "")
        entry = {"reason": reason, "workloads": [change.name for change in changes]}
        self.record.begin("rollback", entry, again=False)
        objects = {change.name: self.live[change.name] for change in changes}
        back: list[dict[str, t.Any]] = []
        failed: list[str] = []
        with WaveRunner(self.api, self.context, objects, versions) as runner:
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
        self.record.end("rollback", {"workloads": back, "failed": [redact.text(text) for text in reasons]})
        if reasons:
            raise _partly(params["release"], reasons, [item["name"] for item in back], wrote=True)
        return back

    def _wave(self, wave: t.Sequence[Change], runner: WaveRunner) -> list[dict[str, t.Any]]:
        timeout = self.context.params["timeout"]
        for change in wave:
            self.lock.assert_held()
            config.restore(
                self.api,
                self.context.params["namespace"],
                fields.config_text(change.after),
                fields.config_text(change.before),
                self.context.say,
            )

        def replan(obj: Object) -> Change:
            return _change(obj, self.targets[obj["metadata"]["name"]], timeout)

        runner.run([at_once(change, replan) for change in wave], self.lock, verb="back ")
        return [change.as_result(runner.settled[change.name]) for change in wave]


def _partly(release: str, why: t.Sequence[str], back: t.Sequence[str], wrote: bool) -> ReleaseError:
    return ReleaseError(
        f"Release {release} was only partly rolled back."
        if wrote
        else f"Release {release} can only be partly rolled back.",
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
