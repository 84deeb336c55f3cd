# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""From the graph of the services to waves: services that may
roll together, in the order in which they have to.
"""

from __future__ import annotations

import typing as t

from .._common.options import did_you_mean


def waves(services: t.Sequence[t.Mapping[str, t.Any]]) -> tuple[list[list[str]], list[str]]:
    """The waves, and the problems of the graph; a graph with problems has no waves.

    A service stands in the first wave after all that it names
    in ``after``; inside a wave the order is that of the input.
    """
    after = {str(service["name"]): [str(name) for name in service.get("after") or []] for service in services}
    problems = _problems([str(service["name"]) for service in services], after)
    if problems:
        return [], problems
    done: set[str] = set()
    found: list[list[str]] = []
    while len(done) < len(after):
        wave = [name for name, needs in after.items() if name not in done and done.issuperset(needs)]
        found.append(wave)
        done.update(wave)
    return found, []


def _problems(names: list[str], after: dict[str, list[str]]) -> list[str]:
    problems = [
        f"service {name} is listed {names.count(name)} times"
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    for name, needs in after.items():
        problems += [
            f"service {name} comes after {other}, which is not a service{did_you_mean(other, after)}; there are: {', '.join(after)}"
            for other in needs
            if other not in after
        ]
    cycle = _cycle({name: [need for need in needs if need in after] for name, needs in after.items()})
    return problems + ([f"services wait for each other: {' after '.join(cycle)}"] if cycle else [])


def _cycle(after: dict[str, list[str]]) -> list[str]:
    """One cycle, as the names along it with the first again at the end; empty when there is none."""
    left = dict(after)
    while left:
        free = [name for name, needs in left.items() if not any(need in left for need in needs)]
        if not free:
            break
        for name in free:
            del left[name]
    if not left:
        return []
    path = [next(iter(left))]
    while (
        True
    ):  # every service still left has one in front of it that is left too, so the walk has to meet itself
        step = next(need for need in left[path[-1]] if need in left)
        if step in path:
            start = path.index(step)
            return [*path[start:], step]
        path.append(step)
