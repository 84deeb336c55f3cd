# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures each test of a run, also of its workers, and shows the table of costs before pytest's last line."""

from __future__ import annotations

import os
import resource
import time
import typing as t

import pytest

from . import cost
from .cost import Cost

_PROPERTY = "cost"


class CostPlugin:
    """
    :ivar elsewhere: processor seconds used for tests by processes that are not children of this one.
    """

    def __init__(self, elsewhere: t.Callable[[], float]) -> None:
        self._elsewhere = elsewhere
        self._began = Cost()
        self._session = cost.machine_now()
        self._tests: dict[str, Cost] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        self._began = self._own_now()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        if call.when == "teardown":
            used = self._own_now() - self._began
            item.user_properties.append((_PROPERTY, (used.wall, used.processor)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, pair in report.user_properties:
            if name == _PROPERTY:
                wall, processor = t.cast("tuple[float, float]", pair)
                self._tests[report.nodeid] = Cost(wall, processor)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._tests:
            return
        stages = cost.load(os.environ.get(cost.STAGES) or "{}")
        terminalreporter.section("cost")
        terminalreporter.write_line(cost.table(stages, self._tests, cost.machine_now() - self._session))

    def _own_now(self) -> Cost:
        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        used = sum(usage.ru_utime + usage.ru_stime for usage in usages)
        return Cost(time.monotonic(), used + self._elsewhere())
