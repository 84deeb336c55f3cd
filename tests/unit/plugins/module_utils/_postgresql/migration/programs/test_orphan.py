# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""In processes of their own, as it ends the one that it runs in."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.operation import Context
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.programs import (
    orphan as _orphan,
)

# What is abandoned takes until somebody writes to it, as an API server that is slow to answer.
PROGRAM = """
import os, sys, time
from ansible_collections.runbook.release.plugins.module_utils._common.operation import Context
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.programs.orphan import ended_with_controller

def abandon():
    print("abandoning", flush=True)
    if sys.stdin.readline() == "fail\\n":
        raise OSError("connection reset")
    print("abandoned", flush=True)

with ended_with_controller(Context({}, controller=int(sys.argv[1])), abandon):
    print("at work", flush=True)
    time.sleep(float(sys.argv[2]))
print("done", flush=True)
"""


def started(controller: int, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, str(controller), str(seconds)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    running = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert line(running) == "at work\n"
    return running


def line(running: subprocess.Popen[str]) -> str:
    """The next that it writes."""
    return t.cast("t.IO[str]", running.stdout).readline()


@pytest.mark.parametrize("numbers", [(signal.SIGINT, signal.SIGTERM), (signal.SIGTERM, signal.SIGTERM)])
def test_a_second_signal_does_not_cut_short_what_the_first_has_begun(numbers: t.Any) -> None:
    with started(os.getpid(), 60) as running:
        running.send_signal(numbers[0])
        assert line(running) == "abandoning\n"
        running.send_signal(numbers[1])
        assert running.communicate("go on\n", timeout=20)[0] == "abandoned\n" and running.returncode == 137


def test_it_ends_also_when_nothing_can_be_abandoned() -> None:
    """Else it would heed no signal any more."""
    with started(os.getpid(), 60) as running:
        running.send_signal(signal.SIGTERM)
        assert running.communicate("fail\n", timeout=20)[0] == "abandoning\n" and running.returncode == 137


def test_it_ends_when_its_controller_is_another_one() -> None:
    with started(os.getppid(), 60) as running:
        assert (
            running.communicate("go on\n", timeout=20)[0] == "abandoning\nabandoned\n"
            and running.returncode == 137
        )


def test_work_that_ends_by_itself_abandons_nothing() -> None:
    with started(os.getpid(), 0) as running:
        # By readline: communicate() loses what the readline of started() has read beyond its own line.
        assert line(running) == "done\n" and running.wait(timeout=20) == 0


def test_a_signal_is_never_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the work ends before anybody has looked for signals."""
    monkeypatch.setattr(_orphan, "_EVERY", 60)
    heard = []
    former = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    try:
        with _orphan.ended_with_controller(Context({}, controller=os.getppid())):
            os.kill(os.getpid(), signal.SIGTERM)
            assert heard == []
        assert heard == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, former)
