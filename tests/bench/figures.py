# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was measured, as tables: wall and processor seconds of every contestant, and the figures beside their goals."""

from __future__ import annotations

import dataclasses
import resource
import statistics
import typing as t

# The contestants of a round, and what the ratio of the first to the second may be at most.
Goal = tuple[str, str, float]


@dataclasses.dataclass(frozen=True)
class Run:
    """
    :ivar seconds: by the clock.
    :ivar processor: seconds of processors of the contestant's process and the programs that it waited for; not of the
        servers that worked for it.
    """

    seconds: float
    processor: float


@dataclasses.dataclass(frozen=True)
class Race:
    """
    :ivar floors: pairs whose ratio nobody gets below on this machine; they show which goals it can meet.
    """

    title: str
    runs: t.Mapping[str, t.Sequence[Run]]
    goals: t.Sequence[Goal] = ()
    floors: t.Sequence[tuple[str, str]] = ()

    def ratio(self, name: str, peer: str) -> float:
        """The median of the rounds' own ratios. A peer that takes long is measured in the first round only."""
        return statistics.median(
            ours.seconds / theirs.seconds
            for ours, theirs in zip(self.runs[name], self.runs[peer], strict=False)
        )


def measured(work: t.Callable[[], float]) -> Run:
    """
    :param work: starts the contestant as a program, waits for it, and returns the seconds that count.
    """
    before = _processor_seconds_of_children()
    seconds = work()
    return Run(seconds, _processor_seconds_of_children() - before)


def report(race: Race, figures: t.Mapping[str, float], limits: t.Mapping[str, float]) -> int:
    """
    :return: the exit code: 1 when a goal was missed.
    """
    print(f"\n{race.title:<32}{'median s':>9}{'processor s':>13}  runs")
    for name, runs in race.runs.items():
        seconds = statistics.median(run.seconds for run in runs)
        processor = statistics.median(run.processor for run in runs)
        print(f"{name:<32}{seconds:9.1f}{processor:13.2f}  {' '.join(f'{run.seconds:.1f}' for run in runs)}")
    print(f"\n{'figure':<50}{'':>6}  goal")
    for name, peer in race.floors:
        print(f"{name + ' / ' + peer:<50}{race.ratio(name, peer):6.2f}  the floor")
    judged = [(f"{name} / {peer}", race.ratio(name, peer), goal) for name, peer, goal in race.goals]
    judged += [(name, figures[name], limit) for name, limit in limits.items()]
    for name, value, goal in judged:
        print(f"{name:<50}{value:6.2f}  at most {goal:g}  {'met' if value <= goal else 'MISSED'}")
    return int(any(value > goal for _name, value, goal in judged))


def _processor_seconds_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
