# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""make test-molecule: every scenario under molecule/, with this checkout as the collection."""

from __future__ import annotations

import os
import subprocess
import sys

from . import venvs


def main() -> int:
    # Hosts that a scenario makes end with this process, however that ends.
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(venvs.ROOT / ".collections"),
        "RUNBOOK_MOLECULE_PID": str(os.getpid()),
    }
    if not sys.stdout.isatty():
        environment |= {"NO_COLOR": "1", "ANSIBLE_NOCOLOR": "1"}
    return subprocess.run(
        ["molecule", "test", "--all"], cwd=venvs.ROOT, env=environment, stdin=subprocess.DEVNULL, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
