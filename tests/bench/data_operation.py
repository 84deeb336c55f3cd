# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs one operation on backups, {"operation": NAME, "params": {...}}
on standard input; tells what it cost, its own process alone, as JSON.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.runbook.release.plugins.module_utils._common.errors import ReleaseError
from ansible_collections.runbook.release.plugins.module_utils._common.operation import Context
from ansible_collections.runbook.release.plugins.module_utils._postgresql.backup import backup, restore

OPERATIONS = {"BACKUP": backup.OPERATION, "RESTORE": restore.OPERATION}


def command(arguments: list[str]) -> tuple[int, str, str]:
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


class Temporary:
    """The largest number of bytes that open or lying files of a
    folder of our own took: every temporary file would be there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.most, self._over = folder, 0, threading.Event()
        self._before = os.statvfs(folder)
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            now = os.statvfs(self.folder)
            self.most = max(self.most, (self._before.f_bfree - now.f_bfree) * now.f_frsize)

    def stop(self) -> int:
        self._over.set()
        return self.most


def main() -> None:
    asked = json.loads(sys.stdin.read())
    operation = OPERATIONS[asked["operation"]]
    params = (
        ArgumentSpecValidator(operation.argument_spec, **operation.constraints)
        .validate(asked["params"])
        .validated_parameters
    )
    context = Context(params, command=command)
    with tempfile.TemporaryDirectory() as name:
        # A file system of its own: what is written to it and unlinked at once is seen as well.
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", name], check=True)
        try:
            os.environ["TMPDIR"], tempfile.tempdir = name, name
            watching = Temporary(Path(name))
            began = time.monotonic()
            cost: dict[str, object] = {"error": None}
            try:
                result = operation.run(operation.connect(context), context)
                cost |= {"backup": result.values["backup"], "filled": result.values.get("rto_seconds")}
            except ReleaseError as exc:
                cost["error"] = str(exc)
            cost |= {
                "seconds": time.monotonic() - began,
                # Ours alone: what the system tells of children counts the
                # moment before they become another program.
                "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "temporary_bytes": watching.stop(),
            }
        finally:
            subprocess.run(["umount", name], check=True)
    print(json.dumps(cost))


if __name__ == "__main__":
    main()
