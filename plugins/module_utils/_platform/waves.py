# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""From the graph of the services to waves: services that may
roll together, in the order in which they have to.
"""

from __future__ import annotations

import graphlib
import typing as t

from .._common.options import did_you_mean

Graph = dict[str, list[str]]


def waves(services: t.Sequence[t.Mapping[str, t.Any]]) -> tuple[list[list[str]], list[str]]:
    """The waves, and the problems of the graph; a graph with problems has no waves.

    A service stands in the first wave after all that it names
    in ``after``; inside a wave the order is that of the input.
    """
    names = [str(service["name"]) for service in services]
    after = {str(service["name"]): [str(name) for name in service.get("after") or []] for service in services}
    problems = [*_listed_twice(names), *_unknown(after)]
    known = {name: [need for need in needs if need in after] for name, needs in after.items()}
    sorter = graphlib.TopologicalSorter(known)
    try:
        sorter.prepare()
    except graphlib.CycleError as exc:
        problems.append(f"dependency cycle: {' -> '.join(_readable(exc.args[1], names))}")
    if problems:
        return [], problems
    found: list[list[str]] = []
    while sorter.is_active():
        ready = sorter.get_ready()
        found.append(sorted(ready, key=names.index))
        sorter.done(*ready)
    return found, []


def _listed_twice(names: t.Sequence[str]) -> list[str]:
    counts = {name: names.count(name) for name in names}
    return [f"service {name} is listed {count} times" for name, count in counts.items() if count > 1]


def _unknown(after: Graph) -> list[str]:
    return [
        f"service {name} comes after {other}, which is not a service"
        f"{did_you_mean(other, after)}; there are: {', '.join(after)}"
        for name, needs in after.items()
        for other in needs
        if other not in after
    ]


def _readable(cycle: t.Sequence[str], names: t.Sequence[str]) -> list[str]:
    """A cycle as each service and the one that it depends on, beginning with the first of the input.

    :param cycle: as graphlib gives it: each depends on the one before; the first one again at the end.
    """
    depends_on = list(reversed(cycle))[:-1]
    start = depends_on.index(min(depends_on, key=names.index))
    rotated = [*depends_on[start:], *depends_on[:start]]
    return [*rotated, rotated[0]]
