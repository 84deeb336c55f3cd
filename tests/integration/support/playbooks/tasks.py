# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs single tasks of the collection the way a playbook does, and gives what they returned."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import typing as t
from pathlib import Path

from tests.integration.support.playbooks.runner import Outcome, Play, PlaybookRunner, local_play

Task = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Ran(Outcome):
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
    def full_output(self) -> str:
        """Everything that anybody gets to see or keep."""
        return self.output + json.dumps(self.results)


@dataclasses.dataclass(frozen=True)
class Tasks:
    """A play of tasks, with their diffs; a task that fails does not end it.

    :ivar namespace: what the modules of Kubernetes get as theirs; empty where none of the tasks needs one.
    """

    namespace: str
    runner: PlaybookRunner
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return self.runner.environment

    def run(
        self, *tasks: Task, more: t.Sequence[str] = (), real_process: bool = False, **variables: t.Any
    ) -> Ran:
        arguments = self._arguments(tasks, *more, **variables)
        done = self.runner.run(*arguments, timeout=180, real_process=real_process)
        assert done.rc == 0, done.output
        results = [
            json.loads((self.folder / f"result-{number}.json").read_text()) for number in range(len(tasks))
        ]
        return Ran(done.rc, done.out, done.err, results)

    def run_plain(self, tasks: t.Sequence[Task], **variables: t.Any) -> Outcome:
        """The tasks as they stand in a user's play: without our defaults, and a failure ends it."""
        return self.runner.run_play(local_play(vars=variables, tasks=tasks), self.folder)

    def one(self, module: str, **options: t.Any) -> Ran:
        return self.run({f"runbook.release.{module}": options})

    def start(self, *tasks: Task) -> subprocess.Popen[str]:
        return self.runner.start(*self._arguments(tasks))

    def beside(self, folder: Path) -> Tasks:
        """Tasks of another run, with files of its own."""
        folder.mkdir()
        return dataclasses.replace(self, folder=folder)

    def _arguments(self, tasks: t.Sequence[Task], *more: str, **variables: t.Any) -> list[str]:
        (self.folder / "play.yml").write_text(json.dumps([self._play(tasks, variables)]))
        return ["--diff", str(self.folder / "play.yml"), *more]

    def _play(self, tasks: t.Sequence[Task], variables: dict[str, t.Any]) -> Play:
        steps: list[Task] = []
        for number, task in enumerate(tasks):
            kept = {"value": f"{{{{ result_{number} }}}}", "dest": str(self.folder / f"result-{number}.json")}
            steps += [{**task, "register": f"result_{number}", "ignore_errors": True}, {"keep": kept}]
        defaults = {"group/runbook.release.release": {"namespace": self.namespace}} if self.namespace else {}
        return local_play(module_defaults=defaults, vars=variables, tasks=steps)
