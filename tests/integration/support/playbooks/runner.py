# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way to run ansible-playbook: forked off a process that has imported it, or started as users start it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import signal
import subprocess
import typing as t
from pathlib import Path

from tests.integration.support.playbooks import playbook_forkserver
from tests.integration.support.playbooks.playbook_forkserver import ROOT

Play = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """A playbook that has ended."""

    rc: int
    out: str
    err: str

    @property
    def output(self) -> str:
        return self.out + self.err

    def recap(self, host: str = "sandbox") -> dict[str, int]:
        """The numbers of the recap line of a host."""
        line = next(line for line in self.out.splitlines() if re.match(rf"{host}\s*: ok=", line))
        return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", line)}


def ansible_environment(kubeconfig: Path | None = None) -> dict[str, str]:
    """Neither the terminal's width nor an unbuffered Python is part of what is tested.

    :param kubeconfig: of the sandbox; without it, the playbook has nothing to do with Kubernetes.
    """
    kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONUNBUFFERED", "COLUMNS")}
    ours = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_ACTION_PLUGINS": str(Path(__file__).with_name("action_plugins"))}
    return {**kept, **ours, **({"KUBECONFIG": str(kubeconfig)} if kubeconfig else {})}


def local_play(**keywords: t.Any) -> Play:
    """A play on this machine."""
    return {"hosts": "localhost", "connection": "local", "gather_facts": False, **keywords}


@dataclasses.dataclass(frozen=True)
class PlaybookRunner:
    """Runs playbooks from the checkout, with nothing to read from."""

    environment: dict[str, str]

    def run(self, *arguments: str, timeout: float = 300, real_process: bool = False) -> Outcome:
        """
        :param arguments: of ansible-playbook.
        :param real_process: nothing is imported beforehand: for a test that inspects the processes.
        """
        command = ["ansible-playbook", *arguments]
        if real_process:
            done = subprocess.run(
                command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=timeout,
            )
        else:
            done = playbook_forkserver.run(command, self.environment, timeout)
        return Outcome(done.returncode, done.stdout, done.stderr)

    def run_play(self, play: Play, folder: Path, *arguments: str, timeout: float = 180) -> Outcome:
        """A play that is written into the folder first."""
        file = folder / "play.yml"
        file.write_text(json.dumps([play]))
        return self.run(str(file), *arguments, timeout=timeout)

    def start(self, *arguments: str, stdout: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        """As users start it, and in a session of its own, so that killing it kills its workers, too."""
        return subprocess.Popen(
            ["ansible-playbook", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE if stdout == subprocess.DEVNULL else subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


def signal_all(process: subprocess.Popen[str], number: int) -> None:
    """To the controller and all that it started: Ansible's workers have sessions of their own."""
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    for pid in [process.pid, *map(int, children)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def kill(running: subprocess.Popen[str]) -> None:
    """It and its workers, by kill -9."""
    signal_all(running, signal.SIGKILL)
    running.wait()
    if running.stderr:
        running.stderr.close()


def interrupt(process: subprocess.Popen[str], number: int) -> None:
    """Ctrl-C, or the end of a pipeline's job: to the controller alone, which has 30 s to end.

    ansible-core waits for ever on the lock of its own result queue when it ended a
    worker that was writing a line to it (seen in a stack trace); a person kills it then.
    """
    process.send_signal(number)
    try:
        process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        signal_all(process, signal.SIGKILL)
        process.communicate(timeout=30)
