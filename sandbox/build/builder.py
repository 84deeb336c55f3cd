# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the sandbox's programs from source, once for each set of versions."""

from __future__ import annotations

import typing as t
import hashlib
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.build.golang import Go
from sandbox.locking import locked
from sandbox.settings import SOURCES, Settings


@dataclass(frozen=True)
class Program:
    name: str
    package: str  # below sandbox/go when it begins with ./
    links: tuple[str, ...] = ()


PROGRAMS = (
    Program("pause", "./pause"),
    Program("exchange", "./exchange"),
    Program("task", "./task"),
    Program("controlplane", "./controlplane", ("kubectl",)),
    Program("coredns", "./coredns"),
    Program("k6", "go.k6.io/k6"),
    Program("kwok", "sigs.k8s.io/kwok/cmd/kwok"),
)
ALL = tuple(program.name for program in PROGRAMS)
CLUSTER = ("pause", "exchange", "controlplane", "coredns")


def kubernetes_version(go_mod: str) -> str:
    found = re.search(r"^\s*k8s\.io/kubernetes (v\S+)", go_mod, re.MULTILINE)
    if not found:
        raise SandboxError("sandbox/go/go.mod does not name k8s.io/kubernetes")
    return found[1]


def version_key(sources: Path = SOURCES / "go") -> str:
    """Names the folder of built programs after what they are built from."""
    go_mod, go_sum = (sources / "go.mod").read_text(), (sources / "go.sum").read_text()
    return f"{kubernetes_version(go_mod)}-{hashlib.sha256((go_mod + go_sum).encode()).hexdigest()[:10]}"


def linker_flags(version: str) -> str:
    """Stamps the version in as upstream's build does: clients judge the server by it."""
    package, minor = "k8s.io/component-base/version", version.split(".")[1]
    stamp = [
        f"-X {package}.gitVersion={version}", f"-X {package}.gitMajor=1", f"-X {package}.gitMinor={minor}",
        f"-X {package}.gitTreeState=clean", f"-X {package}.gitCommit={'0' * 40}",
    ]  # fmt: skip
    # kubectl and the user agent read a second copy of the same variables.
    return " ".join(
        ["-s -w", *stamp, *(flag.replace(package, "k8s.io/client-go/pkg/version") for flag in stamp)]
    )


def sources_stamp(program: Program, flags: str, sources: Path = SOURCES / "go") -> str:
    seen = hashlib.sha256(flags.encode())
    if program.package.startswith("./"):
        for file in sorted((sources / program.package).glob("*.go")):
            seen.update(file.name.encode() + b"\0" + file.read_bytes())
    return seen.hexdigest()


class Builder:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.go = Go(settings)
        self.version = kubernetes_version((SOURCES / "go" / "go.mod").read_text())
        self.folder = settings.state / "bin" / version_key()
        self.flags = linker_flags(self.version)

    def outdated(self, names: t.Sequence[str]) -> list[Program]:
        return [program for program in PROGRAMS if program.name in names and not self._built(program)]

    def _stamp(self, program: Program) -> Path:
        return self.folder / f".{program.name}.stamp"

    def _built(self, program: Program) -> bool:
        stamp = self._stamp(program)
        return (
            (self.folder / program.name).exists()
            and stamp.exists()
            and stamp.read_text() == sources_stamp(program, self.flags)
        )

    def ensure(self, names: t.Sequence[str] = ALL) -> Path:
        """The folder of the programs, after building those that are missing or whose source has changed."""
        if self.outdated(names):
            with locked(
                self.settings.state / "build.lock",
                "Another command is building the sandbox's programs; waiting for it.",
            ):
                self._build_all(self.outdated(names))
        return self.folder

    def _build_all(self, todo: t.Sequence[Program]) -> None:
        if not todo:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        print(
            f"Building {len(todo)} program(s) of Kubernetes {self.version} and friends with {self.go.program}; once, some minutes",
            flush=True,
        )
        for number, program in enumerate(todo, 1):
            self._build(program, f"[{number}/{len(todo)}] {program.name}", began)
        for old in self.folder.parent.iterdir():
            if old != self.folder and old.is_dir():
                shutil.rmtree(old)

    def _build(self, program: Program, title: str, began: float) -> None:
        common = ["-trimpath", "-ldflags", self.flags]
        stale = 0
        for line in self._run(
            program, "list", *common, "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", program.package
        ):
            if line.startswith("go: downloading"):
                _tell(f"{title}: fetching sources, {line.split()[2]}", began)
            elif line:
                stale += 1
        new = self.folder / f".{program.name}.new"
        done = 0
        for line in self._run(
            program, "build", "-v", "-buildvcs=false", *common, "-o", str(new), program.package
        ):
            if not line.startswith("go: "):
                done += 1
                _tell(f"{title}: {done} of {max(stale, done)} packages", began)
        new.replace(self.folder / program.name)
        for link in program.links:
            (self.folder / link).unlink(missing_ok=True)
            (self.folder / link).symlink_to(program.name)
        self._stamp(program).write_text(sources_stamp(program, self.flags))
        _tell(f"{title}: built", began, always=True)

    def _run(self, program: Program, *arguments: str) -> t.Iterator[str]:
        """Lines of a go command as they come; an error carries all that it said."""
        process = self.go.popen(*arguments)
        assert process.stdout is not None
        said: list[str] = []
        for line in process.stdout:
            said.append(line)
            yield line.strip()
        if process.wait() != 0:
            output = "".join(said[-40:])
            raise SandboxError(
                f"{program.name} does not build: `go {arguments[0]} {program.package}` failed in sandbox/go:\n{output}"
            )


_last_told = 0.0


def _tell(text: str, began: float, always: bool = False) -> None:
    """A line now and then: enough to see that it goes on, not so many that they hide anything."""
    global _last_told
    now = time.monotonic()
    if always or now - _last_told > 5:
        _last_told = now
        print(f"{text} ({now - began:.0f} s)", flush=True)
