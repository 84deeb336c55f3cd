# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs single tasks of the collection the way a playbook does, and gives what they returned."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import typing as t
from pathlib import Path

from tests.integration.support.playbooks import playbook_forkserver
from tests.integration.support.playbooks.playbook import ROOT, signal_all

Task = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Ran:
    out: str
    err: str
    results: list[dict[str, t.Any]]

    @property
    def result(self) -> dict[str, t.Any]:
        """Of the only task."""
        (only,) = self.results
        return only

    @property
    def failed(self) -> bool:
        return bool(self.result["failed"])

    @property
    def told(self) -> str:
        """Everything that anybody gets to see or keep."""
        return self.out + self.err + json.dumps(self.results)


def kill(running: subprocess.Popen[str]) -> None:
    """It and its workers, by kill -9."""
    signal_all(running, signal.SIGKILL)
    running.wait()
    if running.stderr:
        running.stderr.close()


class Tasks:
    """A play of tasks, with their diffs; a task that fails does not end it.

    :param namespace: what the modules of Kubernetes get as
        theirs; empty where there are none among the tasks.
    """

    def __init__(self, namespace: str, environment: t.Mapping[str, str], folder: Path) -> None:
        self.namespace, self.environment, self.folder = namespace, dict(environment), folder

    def command(self, tasks: t.Sequence[Task], *more: str, **variables: t.Any) -> list[str]:
        steps: list[Task] = []
        for number, task in enumerate(tasks):
            kept = {"value": f"{{{{ result_{number} }}}}", "dest": str(self.folder / f"result-{number}.json")}
            steps += [{**task, "register": f"result_{number}", "ignore_errors": True}, {"keep": kept}]
        defaults = {"group/runbook.release.release": {"namespace": self.namespace}} if self.namespace else {}
        play = {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "module_defaults": defaults,
            "vars": variables,
            "tasks": steps,
        }
        (self.folder / "play.yml").write_text(json.dumps([play]))
        return ["ansible-playbook", "--diff", str(self.folder / "play.yml"), *more]

    def run(
        self, *tasks: Task, more: t.Sequence[str] = (), as_users_do: bool = False, **variables: t.Any
    ) -> Ran:
        """
        :param as_users_do: nothing is imported beforehand: for a test that looks at the processes.
        """
        command = self.command(tasks, *more, **variables)
        if as_users_do:
            done = subprocess.run(
                command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=180,
            )
        else:
            done = playbook_forkserver.run(command, self.environment, timeout=180)
        assert done.returncode == 0, done.stdout + done.stderr
        results = [
            json.loads((self.folder / f"result-{number}.json").read_text()) for number in range(len(tasks))
        ]
        return Ran(done.stdout, done.stderr, results)

    def one(self, module: str, **options: t.Any) -> Ran:
        return self.run({f"runbook.release.{module}": options})

    def start(self, *tasks: Task) -> subprocess.Popen[str]:
        """In a session of its own, so that killing it kills its workers, too."""
        return subprocess.Popen(
            self.command(tasks),
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
