# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What a strategy is: how one workload gets from what is live to what is desired.

The wave drives the strategies of its workloads side by side. Undo, lock, record and diagnosis are not theirs.
"""

from __future__ import annotations

import typing as t

from ...._common.options import Options
from ...api.port import Object
from ...workload.fields import values
from ...workload.fields.base import FieldValues
from ...workload.kinds.registry import KINDS
from ...workload.status import READY, seen, status

Service = t.Mapping[str, t.Any]


class Step(t.NamedTuple):
    """One change on the way.

    :ivar name: what the workload is marked with, in the same patch, where a strategy has several steps.
    :ivar desired: the fields that it sets.
    """

    name: str
    desired: FieldValues


class Condition(t.Protocol):
    # Whether its workload has to get on in the meantime: then its timeout runs, and its standing still is a problem.
    expects_progress: t.ClassVar[bool]

    def is_met(self, workload: Object, seconds: float) -> bool:
        """
        :param workload: its newest state.
        :param seconds: since the wait for this condition began.
        """


class Settled:
    """Every pod runs what is desired, and is available."""

    expects_progress: t.ClassVar[bool] = True

    def is_met(self, workload: Object, seconds: float) -> bool:
        return status(workload).state == READY


class Available:
    """At least so many pods of the newest version are available."""

    expects_progress: t.ClassVar[bool] = True

    def __init__(self, pods: int) -> None:
        self.pods = pods

    def is_met(self, workload: Object, seconds: float) -> bool:
        return seen(workload) and KINDS[workload["kind"]].updated_available(workload) >= self.pods


class Hold:
    """So many seconds have passed; the workload is left as it is in the meantime."""

    expects_progress: t.ClassVar[bool] = False

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def is_met(self, workload: Object, seconds: float) -> bool:
        return seconds >= self.seconds


class ServiceRollout(t.Protocol):
    """What a strategy works with: one workload of a wave."""

    @property
    def steps(self) -> t.Sequence[Step]:
        """The strategy's plan."""

    @property
    def steps_left(self) -> t.Sequence[Step]:
        """Those behind the one that an interrupted run has written last; that one again, too, to be waited for."""

    @property
    def live(self) -> Object:
        """The newest state of the workload."""

    def patch(self, step: Step) -> None:
        """Writes what the step changes, the mark of the step and the baseline in one patch."""


class Strategy:
    """A strategy with the name by which users choose it.

    :cvar OPTIONS: what a service may say under the strategy's name; rendered into options, checks and documents.
    :cvar HELP: what it is for, as a sentence of the reference.
    """

    name: t.ClassVar[str]
    OPTIONS: t.ClassVar[Options] = {}
    HELP: t.ClassVar[str] = ""

    def problems(self, service: Service, live: Object) -> t.Iterator[str]:
        """What of it does not fit this workload; refused before anything changes."""
        return iter(())

    def plan(self, service: Service, live: Object) -> list[Step]:
        """The steps; what they set together is what is desired. Pure."""
        return [Step("rollout", values.desired(service))]

    def run(self, rollout: ServiceRollout) -> t.Iterator[Condition]:
        """Its verbs, and what it waits for in between. Runs from :attr:`ServiceRollout.steps_left` on."""
        for step in rollout.steps_left:
            rollout.patch(step)
            yield Settled()

    def options(self, service: Service) -> dict[str, t.Any]:
        """What the service says under the strategy's name, with the defaults."""
        given = service.get(self.name) or {}
        return {
            name: option.default if given.get(name) is None else given[name]
            for name, option in self.OPTIONS.items()
        }


def only_deployments(service: Service, live: Object) -> t.Iterator[str]:
    """For strategies that stand on ``spec.strategy``, which other kinds do not have."""
    if live["kind"] != "Deployment" and service.get("strategy"):
        yield f"{live['kind']} {service['name']} takes no strategy; only a Deployment does"
