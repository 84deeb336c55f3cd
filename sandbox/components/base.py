# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server of the sandbox is: a program, its files, and a question that tells whether it works."""

from __future__ import annotations

import typing as t
from pathlib import Path

from sandbox import health
from sandbox.errors import SandboxError
from sandbox.node import procfs
from sandbox.node.sandbox_state import SandboxState, fingerprint, write


class Component:
    name: t.ClassVar[str]
    after: t.ClassVar[tuple[str, ...]] = ()  # names of those that must work first
    listens: t.ClassVar[str] = ""  # shown to the user: what is reached where
    limit: t.ClassVar[float] = 60.0  # seconds from start to health

    def __init__(self, sandbox: SandboxState) -> None:
        self.sandbox = sandbox
        self.settings = sandbox.settings

    @property
    def folder(self) -> Path:
        """The component's own data."""
        return self.settings.root / self.name

    @property
    def log(self) -> Path:
        return self.settings.logs / f"{self.name}.log"

    def argv(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return {}

    def files(self) -> dict[Path, str]:
        """Files the program reads at its start. When one of them changes, the program is started anew."""
        return {}

    def healthy(self) -> bool:
        raise NotImplementedError

    def settle(self) -> None:
        """What has to hold once it works; runs on every `up`, so it must be quick when nothing is to do."""

    def alive(self) -> bool:
        return self.sandbox.record(self.name) is not None

    def handles(self) -> t.Sequence[int]:
        """Open descriptors the program inherits."""
        return ()

    def ensure(self) -> bool:
        """Makes it run and work. True when it had to be started for that."""
        started = not self._keep()
        if started:
            self._end_unrecorded()
            self._start()
            health.wait(self.name, self.healthy, self.limit, self.alive, self.log)
        self.settle()
        return started

    @property
    def fingerprint(self) -> str:
        # The API server's address is in the kubeconfigs, which belong to no component.
        return fingerprint(
            self.argv(), self.files(), {**self.environment(), "API server": self.settings.api_url}
        )

    def _keep(self) -> bool:
        """True for a process that runs as it should. One that hangs, or was started otherwise, is ended."""
        record = self.sandbox.record(self.name)
        if record is None:
            return False
        if record.fingerprint == self.fingerprint:
            try:
                health.wait(self.name, self.healthy, 5.0, self.alive)
                return True
            except SandboxError:
                pass  # it hangs or has just died
        procfs.end(record.pid, record.started, patience=2.0)
        return False

    def _end_unrecorded(self) -> None:
        """A process whose record was lost would hold the port its successor needs."""
        inside = procfs.namespace(self.sandbox.namespaces.require(), "pid")
        for pid in procfs.pids():
            started = procfs.start_time(pid)
            if (
                started is not None
                and procfs.command_line(pid) == self.argv()
                and procfs.namespace(pid, "pid") == inside
            ):
                procfs.end(pid, started, patience=2.0)

    def _start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for path, content in self.files().items():
            write(path, content)
        handles = self.handles()
        pid = self.sandbox.namespaces.start(self.name, self.argv(), self.environment(), handles)
        self.sandbox.remember(self.name, pid, self.fingerprint)
