# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Runs the programs of engines: limited by the wall clock, and gone when we are gone, with everything that they started."""

from __future__ import annotations

import dataclasses
import inspect
import os
import subprocess
import sys
import tempfile
import typing as t

from . import _supervisor


@dataclasses.dataclass(frozen=True)
class Ended:
    """
    :ivar code: of the program; None when it was ended because its time was over.
    """

    code: int | None
    out: str
    err: str

    @property
    def said(self) -> str:
        return "\n".join(text.strip() for text in (self.err, self.out) if text.strip())


class Programs(t.Protocol):
    def run(self, arguments: t.Sequence[str], environment: t.Mapping[str, str], folder: str, seconds: float) -> Ended:
        """Runs a program to its end.

        :param environment: on top of our own; secrets go here, since every user of the machine sees command lines.
        """


class Supervised:
    """Each program under a supervisor of its own (see _supervisor.py)."""

    def run(self, arguments: t.Sequence[str], environment: t.Mapping[str, str], folder: str, seconds: float) -> Ended:
        reading, writing = os.pipe()  # held open by us alone: its end is how the supervisor learns of ours, whatever ended us
        try:
            with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
                command = [sys.executable, "-I", "-c", inspect.getsource(_supervisor), str(max(0.0, seconds)), *arguments]
                try:
                    code = subprocess.Popen(  # pylint: disable=ansible-bad-function
                        command, env={**os.environ, **environment}, cwd=folder, stdin=reading, stdout=out, stderr=err, start_new_session=True
                    ).wait()
                except OSError as exc:
                    return Ended(127, "", f"{arguments[0]}: {exc.strerror}")
                return Ended(None if code == _supervisor.TIME_IS_OVER else code, _text(out), _text(err))
        finally:
            os.close(reading)
            os.close(writing)


def _text(file: t.IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
