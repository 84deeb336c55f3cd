# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What is wrong with what is waited for, and for how long. Pure: times and owners of pods are given."""

from __future__ import annotations

import typing as t

from ..api.port import Object
from ..diagnosis import pod_problems
from ..diagnosis.failure import Finding
from ..diagnosis.pod_problems import PodProblem

Key = t.TypeVar("Key", bound=t.Hashable)


class StuckTimer:
    """For how long what may heal has been wrong, by whatever
    names it (the UID of a pod, the name of a workload).
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[str, float] = {}

    def note(self, who: str, problem: PodProblem | None, now: float) -> None:
        """A reason that turns into another one (ErrImagePull, ImagePullBackOff) is still the same problem.

        :param now: may lie ahead: what has a time of grace is not a problem before it.
        """
        if problem and problem.transient:
            self._since.setdefault(who, now)
        else:
            self._since.pop(who, None)

    def has_begun(self, who: str, now: float) -> bool:
        return self._since.get(who, now + 1) <= now

    def over(self, now: float) -> list[str]:
        return [who for who, since in self._since.items() if now - since >= self._seconds]


class Problems:
    """Of pods by their UIDs and of workloads by any name.

    :param stuck_after: seconds for which a transient problem is put up with.
    """

    def __init__(self, stuck_after: float) -> None:
        self.permanent: dict[str, Object] = {}
        self._timer = StuckTimer(stuck_after)

    def note_pod(self, pod: Object, is_gone: bool, now: float) -> None:
        uid = pod["metadata"]["uid"]
        self.permanent.pop(uid, None)
        problem = None
        if not is_gone:
            problem = pod_problems.problem_of(pod)
            if leaving := pod_problems.leaving(pod):
                # It is not a problem before the time that it was given to end.
                problem, now = leaving, now + float(pod["metadata"].get("deletionGracePeriodSeconds") or 0)
            if problem and problem.permanent:
                self.permanent[uid] = pod
        self._timer.note(uid, problem, now)

    def note_workload(self, name: str, workload: Object | None, now: float) -> None:
        """:param workload: None where it has no problem, as when it is ready."""
        self._timer.note(name, pod_problems.problem_of_workload(workload) if workload else None, now)

    def stuck(self, now: float) -> list[str]:
        """UIDs of pods and names of workloads whose transient problem has lasted too long."""
        return self._timer.over(now)

    def findings(
        self,
        waiting: t.Mapping[Key, tuple[str, Object]],
        pods: t.Iterable[Object],
        workload_of: t.Callable[[Object], tuple[Key, str] | None],
        now: float,
    ) -> list[tuple[Key, Finding]]:
        """The worst first: permanent ones before the others, a named reason before 'not ready'.

        :param waiting: names and objects of the workloads that are waited for.
        :param workload_of: key and name of the workload that a pod is watched for.
        """
        pairs = []
        for key, (name, workload) in waiting.items():
            if problem := pod_problems.problem_of_workload(workload):
                pairs.append((key, Finding(name, {}, problem)))
        for pod in pods:
            leaving = pod_problems.leaving(pod)
            if leaving and not self._timer.has_begun(pod["metadata"]["uid"], now):
                continue
            problem = leaving or pod_problems.problem_of(pod) or _not_ready(pod)
            owner = workload_of(pod) if problem else None
            if problem and owner:
                pairs.append((owner[0], Finding(owner[1], pod, problem)))
        return sorted(pairs, key=lambda pair: _gravity(pair[1].problem), reverse=True)


def _not_ready(pod: Object) -> PodProblem | None:
    unready = pod_problems.unready(pod)
    return PodProblem(pod["metadata"]["name"], "", "not ready", unready) if unready else None


def _gravity(problem: PodProblem) -> tuple[bool, bool, bool, bool]:
    has_ended = problem.exit_code is not None
    return problem.permanent, has_ended, problem.transient, problem.reason != "not ready"
