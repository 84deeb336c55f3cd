# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""make lock: resolves requirements/*.in to the newest versions,
for every Python they may run on, with hashes and no addresses.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from . import venvs

OPTIONS = (
    "--universal",
    "--upgrade",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-annotate",
    "--no-header",
    "--quiet",
)


def main() -> int:
    uv = venvs.uv()
    oldest = {name: min(environment.versions) for name, environment in venvs.ENVIRONMENTS.items()} | {
        "uv": venvs.CONTROLLER[0]
    }
    for number, (name, (major, minor)) in enumerate(sorted(oldest.items()), 1):
        print(f"[{number}/{len(oldest)}] requirements/{name}.txt", flush=True)
        files = [f"requirements/{name}.in", "--output-file", f"requirements/{name}.txt"]
        command: list[str | Path] = [
            uv,
            "pip",
            "compile",
            *OPTIONS,
            "--python-version",
            f"{major}.{minor}",
            *files,
        ]
        done = subprocess.run(
            command,
            cwd=venvs.ROOT,
            env={**os.environ, "UV_CACHE_DIR": str(venvs.state() / "uv")},
            check=False,
        )
        if done.returncode != 0:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
