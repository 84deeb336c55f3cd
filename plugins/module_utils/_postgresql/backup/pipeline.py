# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""A chain of programs that succeeds only if every program exits with 0.

The exit code of a shell's pipe is that of its last program: `pg_dump | gzip` succeeds after a dump that broke off. Here
the reader gets the end of the stream only after all programs have succeeded, and an error otherwise; so an upload that
reads from here is aborted instead of completed.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import fcntl
import os
import signal
import subprocess
import threading
import typing as t

from ..._common.errors import ReleaseError

CHUNK = 1 << 20  # bytes
_LINES_KEPT = 20
# Linux gives a pipe 64 KiB: programs that work in bursts would wait for each other on every one of them.
_PIPE_SIZE, _SET_PIPE_SIZE = 1 << 20, getattr(fcntl, "F_SETPIPE_SZ", 1031)


@dataclasses.dataclass(frozen=True)
class Program:
    """One link of the chain. Secrets belong in ``environment``:
    a command line is seen by every user of the machine.
    """

    argv: t.Sequence[str]
    environment: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def name(self) -> str:
        return os.path.basename(self.argv[0])


class PipelineError(ReleaseError):
    """A program of the chain failed; ``why`` has the last words of each that did."""


class _Running:
    def __init__(self, program: Program, source: t.Any, target: t.Any) -> None:
        self.program = program
        environment = {**os.environ, "LC_MESSAGES": "C", **program.environment}
        # run_command waits for one program and keeps its output in memory; here several run at the same time.
        self.process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            list(program.argv), stdin=source, stdout=target, stderr=subprocess.PIPE, env=environment
        )
        if self.process.stdout:
            with contextlib.suppress(OSError):  # only Linux has it, within its limits
                fcntl.fcntl(self.process.stdout, _SET_PIPE_SIZE, _PIPE_SIZE)
        self._last: collections.deque[str] = collections.deque(maxlen=_LINES_KEPT)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        with t.cast("t.IO[bytes]", self.process.stderr) as said:
            for line in said:
                self._last.append(line.decode("utf-8", "replace").rstrip())

    def end(self) -> tuple[int, str]:
        """Waits for its end; returns its exit code and its last words."""
        code = self.process.wait()
        self._listener.join()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        return code, "\n".join([f"{self.program.name} {how}", *("  " + line for line in self._last)])


class Pipeline:
    """Programs that start at once; a context manager that leaves no process behind.

    :param what: what it does, for its error.
    :param fed: whether the first program reads from us (:meth:`write`) instead of from nothing.
    :param read: whether the last program's output comes to us (:meth:`read`).
    :param into: an open file that it goes to instead.
    """

    def __init__(
        self,
        what: str,
        programs: t.Sequence[Program],
        *,
        fed: bool = False,
        read: bool = True,
        into: t.IO[bytes] | None = None,
    ) -> None:
        self.what, self._chain = what, list[_Running]()
        self._broken = ""  # why kill() has ended it
        source: t.Any = subprocess.PIPE if fed else subprocess.DEVNULL
        target: t.Any = into or (subprocess.PIPE if read else subprocess.DEVNULL)
        try:
            for number, program in enumerate(programs):
                last = number == len(programs) - 1
                running = _Running(program, source, target if last else subprocess.PIPE)
                if number:
                    # While our handle of the pipe is open, a program does not notice that its reader is gone.
                    source.close()
                self._chain.append(running)
                source = running.process.stdout
        except OSError as exc:
            self.close()
            raise PipelineError(f"{what} could not be started.", why=[str(exc)]) from exc
        self._input, self._output = self._chain[0].process.stdin, self._chain[-1].process.stdout

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def read(self, size: int = -1) -> bytes:
        """As of a file; the end comes only after every program has succeeded."""
        data = t.cast("t.IO[bytes]", self._output).read(size)
        if not data or (size is not None and size >= 0 and len(data) < size):
            self.finish()
        return data

    def write(self, data: bytes) -> None:
        try:
            t.cast("t.IO[bytes]", self._input).write(data)
        except OSError:  # the program has ended; its last words say why
            self.finish()
            raise

    def finish(self) -> None:
        """Ends the input, waits for all programs, and raises if one failed."""
        if self._input:
            with contextlib.suppress(OSError):
                self._input.close()
        endings = [running.end() for running in self._chain]
        failures = [(code, words) for code, words in endings if code != 0]
        if self._broken:
            raise PipelineError(f"{self.what} failed.", why=[self._broken])
        if failures:
            # When a program dies, those before it end with SIGPIPE, which is not the cause.
            causes = [words for code, words in failures if code != -signal.SIGPIPE]
            raise PipelineError(f"{self.what} failed.", why=causes or [words for _code, words in failures])

    def kill(self, why: str) -> None:
        """Ends all programs at once; from any thread.

        :param why: the reason that the error gives instead of their last words.
        """
        self._broken = self._broken or why
        for running in self._chain:
            if running.process.poll() is None:
                running.process.kill()

    def close(self) -> None:
        """Ends all programs and closes all handles."""
        self.kill("")
        for running in self._chain:
            running.end()
            for handle in (running.process.stdin, running.process.stdout):
                if handle:
                    with contextlib.suppress(OSError):
                        handle.close()

    def written(self, number: int = 0) -> int | None:
        """Bytes that a program has written so far; None where the system does not report it (only Linux does)."""
        try:
            with open(f"/proc/{self._chain[number].process.pid}/io", encoding="ascii") as file:
                return int(next(line.split()[1] for line in file if line.startswith("wchar:")))
        except (OSError, StopIteration, ValueError, IndexError):
            return None
