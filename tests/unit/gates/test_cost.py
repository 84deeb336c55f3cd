# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the table of costs counts, and how it adds up."""

from __future__ import annotations

import pytest

from tests.gates import cost
from tests.gates.cost import Cost

TESTS = {
    "tests/integration/data/test_backup.py::test_a": Cost(10, 4),
    "tests/integration/data/test_restore.py::test_b[tests/x]": Cost(20, 5),
    "tests/integration/kubernetes/jobs/test_job.py::test_c": Cost(1.5, 30),
}


def test_a_processor_that_waits_does_not_count() -> None:
    stat = "cpu  1000 200 300 90000 5000 40 60 7000 800 20\ncpu0 1 1 1 1 1 1 1 1 1 1\n"
    assert cost.machine_seconds(stat, 100) == pytest.approx(16.0)


def test_the_folder_of_a_test_is_the_deepest() -> None:
    assert [cost.folder_of(test) for test in TESTS] == ["data", "data", "kubernetes/jobs"]


def test_the_table_has_every_stage_and_folder_and_what_no_folder_used() -> None:
    stages = {"lint": Cost(100, 150), "unit tests": Cost(20, 30)}
    lines = cost.table(stages, TESTS, Cost(40, 100)).splitlines()
    figures = {line[:44].strip(): line[44:].split() for line in lines if line.startswith("  ")}
    assert figures["lint"] == ["100", "150"] and figures["integration tests"] == ["40", "100"]
    assert figures["all"] == ["160", "280"]
    assert figures["data"] == ["30", "9"] and figures["kubernetes/jobs"] == ["2", "30"]
    assert figures["shared: cluster, servers, load"] == ["61"]
    assert list(cost.by_folder(TESTS)) == ["kubernetes/jobs", "data"]
    slowest = [line.strip() for line in lines if "::" in line]
    assert slowest[0] == "data/test_restore.py::test_b[tests/x]"


def test_without_stages_before_there_is_no_sum_of_them() -> None:
    assert "\n  all " not in cost.table({}, TESTS, Cost(40, 100))


def test_costs_survive_the_way_to_another_process() -> None:
    assert cost.load(cost.dump({"lint": Cost(1.5, 2.5)})) == {"lint": Cost(1.5, 2.5)}
