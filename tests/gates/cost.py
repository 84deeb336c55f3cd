# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of the tests costs, so that the price of a capability is seen: the table at the end of make test.

Costs are held in processor seconds, since the speed of shared machines differs from hour to hour. A stage
is measured by the whole machine's counters. A test is measured by what it and the programs it has waited for
used; what the cluster and the servers did for it is seen in the stage's figure alone, as the tests of
two folders run side by side.
"""

from __future__ import annotations

import dataclasses
import json
import os
import time
import typing as t
from pathlib import Path

# The stages before the integration tests, as JSON: their summary comes last and shows the table of all.
STAGES = "RUNBOOK_COST_OF_STAGES"
SLOWEST = 10
# Columns of /proc/stat's first line: user nice system idle iowait irq softirq steal guest guest_nice.
# Time of guests is part of user and nice already.
_AT_WORK = (0, 1, 2, 5, 6)


@dataclasses.dataclass(frozen=True)
class Cost:
    """Seconds: of a clock, and of processors."""

    wall: float = 0.0
    processor: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.wall + other.wall, self.processor + other.processor)

    def __sub__(self, other: Cost) -> Cost:
        return Cost(self.wall - other.wall, self.processor - other.processor)


def machine_seconds(stat: str, ticks: int) -> float:
    """Seconds that all processors have worked since the machine started, by the text of /proc/stat."""
    columns = stat.partition("\n")[0].split()[1:]
    return sum(int(columns[index]) for index in _AT_WORK) / ticks


def machine_now() -> Cost:
    """What to subtract from a later one."""
    stat = Path("/proc/stat")
    seconds = machine_seconds(stat.read_text(), os.sysconf("SC_CLK_TCK")) if stat.exists() else 0.0
    return Cost(time.monotonic(), seconds)


def folder_of(test: str) -> str:
    """The folder of a test below tests/integration, which is the unit of parallel work."""
    return test.partition("::")[0].rpartition("/")[0].removeprefix("tests/integration").lstrip("/") or "."


def by_folder(tests: t.Mapping[str, Cost]) -> dict[str, Cost]:
    costs: dict[str, Cost] = {}
    for test, cost in tests.items():
        folder = folder_of(test)
        costs[folder] = costs.get(folder, Cost()) + cost
    return dict(sorted(costs.items(), key=lambda item: -item[1].processor))


def table(stages: t.Mapping[str, Cost], tests: t.Mapping[str, Cost], whole: Cost) -> str:
    """
    :param stages: before the integration tests; empty where these run alone.
    :param tests: each integration test.
    :param whole: the integration tests as a stage.
    """
    every = {**stages, "integration tests": whole}
    lines = [_heading("Stages, as the whole machine counts")]
    lines += [_line(name, cost) for name, cost in every.items()]
    if stages:
        lines.append(_line("all", sum(every.values(), Cost())))
    folders = by_folder(tests)
    own = sum(folders.values(), Cost())
    lines += ["", _heading("Integration tests by folder")]
    lines += [_line(folder, cost) for folder, cost in folders.items()]
    shared = f"{'  shared: cluster, servers, load':<44}{'':>9}{whole.processor - own.processor:>13.0f}"
    lines += [shared, "  A folder's figures are of its tests and the programs they waited for; shared is the"]
    lines += [
        "  rest of the stage: Kubernetes, data servers, load generator and whatever else the machine did."
    ]
    slowest = sorted(tests.items(), key=lambda item: -item[1].wall)[:SLOWEST]
    lines += ["", _heading(f"Slowest {len(slowest)} tests")]
    lines += [
        f"  {test.removeprefix('tests/integration/')}\n{'':<44}{cost.wall:>9.1f}{cost.processor:>13.1f}"
        for test, cost in slowest
    ]
    return "\n".join(lines)


def _heading(title: str) -> str:
    return f"{title:<44}{'wall s':>9}{'processor s':>13}"


def _line(name: str, cost: Cost) -> str:
    return f"  {name:<42}{cost.wall:>9.0f}{cost.processor:>13.0f}"


def dump(stages: t.Mapping[str, Cost]) -> str:
    return json.dumps({name: dataclasses.astuple(cost) for name, cost in stages.items()})


def load(text: str) -> dict[str, Cost]:
    return {name: Cost(*pair) for name, pair in json.loads(text).items()}
