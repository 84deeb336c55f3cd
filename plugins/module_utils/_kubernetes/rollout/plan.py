# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What a rollout changes, before anything changes. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..api.port import Object
from ..workload import baseline, validation
from ..workload.change import Change
from ..workload.fields import values as fields
from ..workload.fields.base import FieldValues
from ..workload.listing import Workloads
from .strategies.base import Service, Step
from .strategies.registry import strategy_of
from .wave import Move

# The step that a strategy of several steps has written last, in the patch of that step.
STEP = "runbook.release/step"


@dataclasses.dataclass(frozen=True)
class Planner:
    """Plans services for one release.

    :ivar timeout: seconds that each may take, where it does not say so itself.
    :ivar respected: leaves out what is somebody else's to set, as an autoscaler's replicas.
    """

    release: str
    timeout: int
    respected: t.Callable[[Object, FieldValues], FieldValues] = lambda _workload, desired: desired

    def changes(self, services: t.Sequence[Service], live: t.Mapping[str, Object]) -> list[Change]:
        """Every workload with what has to change.

        :param live: the objects by name.
        """
        return [self.change(service, live[service["name"]]) for service in services]

    def change(self, service: Service, live: Object) -> Change:
        """All that the strategy's steps change together."""
        return self._change_to(service, live, self._desired(service, live), {})

    def moves(self, services: t.Sequence[Service], live: t.Mapping[str, Object]) -> list[Move]:
        return [self._move(service, live[service["name"]]) for service in services]

    def _move(self, service: Service, live: Object) -> Move:
        strategy = strategy_of(service)
        steps, change = strategy.plan(service, live), self.change(service, live)

        def replan(obj: Object, step: Step) -> Change:
            marks: dict[str, str | None] = {}
            if len(steps) > 1:
                marks[STEP] = None if step.name == steps[-1].name else step.name
            return self._change_to(service, obj, step.desired, marks)

        return Move(change, steps, self._left(steps, change, live), replan, strategy.run)

    def _left(self, steps: t.Sequence[Step], change: Change, live: Object) -> t.Sequence[Step]:
        """What is done already is only waited for; an interrupted strategy goes on with the step it has reached."""
        names = [step.name for step in steps]
        reached = step_of(live)
        if baseline.release_of(live) == self.release and reached in names:
            return steps[names.index(reached) :]
        return steps if change.patch else steps[-1:]

    def _desired(self, service: Service, live: Object) -> FieldValues:
        desired: FieldValues = {}
        for step in strategy_of(service).plan(service, live):
            desired.update(step.desired)
        return desired

    def _change_to(
        self, service: Service, live: Object, desired: FieldValues, marks: t.Mapping[str, str | None]
    ) -> Change:
        after = self.respected(live, desired)
        before = fields.live(live, after)
        patch: Object = {}
        is_marked = all((step_of(live) or None) == value for value in marks.values())
        if fields.differing(before, after) or not is_marked:
            kept = baseline.before(live, self.release, service["wave"], after)
            annotations: dict[str, str | None] = {
                baseline.RELEASE: self.release,
                baseline.BASELINE: kept.as_text(),
                baseline.UNDONE: None,
                **marks,
            }
            patch = fields.patch(live, before, after, annotations)
        return Change.of(
            live,
            before,
            after,
            patch,
            wave=service["wave"],
            timeout=service["timeout"] or self.timeout,
        )


def step_of(workload: Object) -> str:
    annotations = workload["metadata"].get("annotations") or {}
    return str(annotations.get(STEP, ""))


def problems(services: t.Sequence[Service], live: Workloads, timeout: int) -> t.Iterator[str]:
    """Whatever does not fit what is in the cluster."""
    yield from validation.problems_of_request(services, live)
    for service in services:
        workload = live[service["kind"]].get(service["name"])
        if workload is not None:
            yield from _problems_of(service, workload, service["timeout"] or timeout)


def _problems_of(service: Service, workload: Object, timeout: int) -> t.Iterator[str]:
    spec, name = workload["spec"], service["name"]
    what = f"{workload['kind']} {name}"
    yield from strategy_of(service).problems(service, workload)
    if (spec.get("updateStrategy") or {}).get("type") == "OnDelete":
        yield f"{what} replaces pods only when they are deleted (its updateStrategy is OnDelete); allowed: RollingUpdate"
    if spec.get("paused") and not step_of(workload):
        namespace = workload["metadata"]["namespace"]
        yield f"{what} is paused. Resume it first: kubectl -n {namespace} rollout resume deployment {name}"
    if spec.get("minReadySeconds", 0) >= timeout:
        yield f"{what} cannot become available within the timeout of {timeout} s: minReadySeconds is {spec['minReadySeconds']}"
