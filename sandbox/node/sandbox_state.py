# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One running sandbox as its components see it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sandbox.api import SandboxApi
from sandbox.node import procfs
from sandbox.node.namespaces import Namespaces
from sandbox.node.pki import Keys
from sandbox.settings import Settings


@dataclass(frozen=True)
class Record:
    """What is remembered of a started process. Start time and boot tell it from a later one with the same id."""

    pid: int
    started: int
    boot: str
    fingerprint: str

    def alive(self) -> bool:
        return self.boot == procfs.boot_id() and procfs.start_time(self.pid) == self.started


class SandboxState:
    def __init__(self, settings: Settings, programs: Path) -> None:
        self.settings = settings
        self.programs = programs
        self.namespaces = Namespaces(settings)
        self.keys = Keys(settings.root / "pki")

    def program(self, name: str) -> str:
        return str(self.programs / name)

    @cached_property
    def api(self) -> SandboxApi:
        return SandboxApi(self.settings.kubeconfig)

    def kubeconfig(self, name: str) -> Path:
        return self.settings.root / f"{name}.kubeconfig"

    def write_kubeconfigs(self) -> None:
        for name in (
            "controller-manager",
            "scheduler",
            "proxy",
            "kubelet",
            "coredns",
            "traefik",
            "targets",
            "kwok",
        ):
            write(self.kubeconfig(name), self.keys.kubeconfig(name, self.settings), mode=0o600)
        write(self.settings.kubeconfig, self.keys.kubeconfig("admin", self.settings), mode=0o600)

    def _record_path(self, name: str) -> Path:
        return self.settings.root / "run" / f"{name}.json"

    def record(self, name: str) -> Record | None:
        """The live process of that name, or None."""
        try:
            record = Record(**json.loads(self._record_path(name).read_text()))
        except (OSError, ValueError, TypeError):
            return None
        inside = procfs.namespace(record.pid, "pid") == procfs.namespace(self.namespaces.require(), "pid")
        return record if inside and record.alive() else None

    def remember(self, name: str, pid: int, fingerprint: str) -> None:
        started = procfs.start_time(pid)
        record = Record(pid, -1 if started is None else started, procfs.boot_id(), fingerprint)
        write(self._record_path(name), json.dumps(record.__dict__))


def fingerprint(argv: list[str], files: dict[Path, str], extra: dict[str, str]) -> str:
    text = json.dumps(
        [argv, sorted((str(path), content) for path, content in files.items()), sorted(extra.items())]
    )
    return hashlib.sha256(text.encode()).hexdigest()


def write(path: Path, content: str, mode: int = 0o644) -> None:
    """Whole or not at all: a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    new.touch(mode=mode)
    new.write_text(content)
    new.replace(path)
