# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was measured, as tables: the seconds of every contestant, and the figures beside their goals."""

from __future__ import annotations

import statistics
import typing as t

# The contestants of a round, and what the ratio of the first to the second may be at most.
Goal = tuple[str, str, float]


def told(
    title: str,
    seconds: t.Mapping[str, t.Sequence[float]],
    goals: t.Iterable[Goal],
    figures: t.Mapping[str, float],
    limits: t.Mapping[str, float],
    floors: t.Iterable[tuple[str, str]] = (),
) -> int:
    """
    :param floors: pairs whose ratio nobody gets below on this machine; they tell which goals it can show.
    :return: the exit code: 1 when a goal was missed.
    """
    print(f"\n{title:<24}{'median s':>9}  runs")
    for name, values in seconds.items():
        print(f"{name:<24}{statistics.median(values):9.1f}  {' '.join(f'{value:.1f}' for value in values)}")
    print(f"\n{'figure':<50}{'':>6}  goal")
    for name, peer in floors:
        print(f"{name + ' / ' + peer:<50}{_ratio(seconds, name, peer):6.2f}  the floor")
    judged = [(f"{name} / {peer}", _ratio(seconds, name, peer), goal) for name, peer, goal in goals]
    judged += [(name, figures[name], limit) for name, limit in limits.items()]
    for name, value, goal in judged:
        print(f"{name:<50}{value:6.2f}  at most {goal:g}  {'met' if value <= goal else 'MISSED'}")
    return int(any(value > goal for _name, value, goal in judged))


def _ratio(seconds: t.Mapping[str, t.Sequence[float]], name: str, peer: str) -> float:
    """The median of the rounds' own ratios. A peer that takes long is measured in the first round only."""
    return statistics.median(
        ours / theirs for ours, theirs in zip(seconds[name], seconds[peer], strict=False)
    )
