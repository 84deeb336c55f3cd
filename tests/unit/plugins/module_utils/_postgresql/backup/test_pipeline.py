# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""With real programs: what counts is what the operating system does."""

from __future__ import annotations

import sys
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.runbook.release.plugins.module_utils._postgresql.backup.pipeline import (
    Pipeline,
    PipelineError,
    Program,
)


def python(text: t.Any, **environment: t.Any) -> t.Any:
    return Program([sys.executable, "-c", text], environment)


COPY = python("import sys, shutil; shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)")


def everything(pipe: t.Any) -> t.Any:
    data = b""
    while piece := pipe.read(1000):
        data += piece
    return data


def test_what_the_last_program_writes_is_read_to_its_end() -> None:
    with Pipeline("The dump", [python("print('x' * 5000)"), COPY]) as pipe:
        assert everything(pipe) == b"x" * 5000 + b"\n"


@pytest.mark.parametrize("where", ["first", "last"])
def test_an_end_after_a_failure_is_an_error_and_not_an_end(where: t.Any) -> None:
    failing = python(
        "import sys; sys.stdin.read() if sys.argv[1:] else None; print('half'); sys.stdout.flush(); print('out of luck', file=sys.stderr); sys.exit(3)"
    )
    chain = [failing, COPY] if where == "first" else [python("print('x')"), failing]
    with Pipeline("The dump", chain) as pipe, pytest.raises(PipelineError) as failed:
        everything(pipe)
    assert str(failed.value).startswith("The dump failed.") and "ended with code 3\n    out of luck" in str(
        failed.value
    )


def test_a_program_that_is_killed_is_an_error_with_its_signal() -> None:
    killed = python("import os, sys; print('x' * 5000); sys.stdout.flush(); os.kill(os.getpid(), 9)")
    with (
        Pipeline("The dump", [killed, COPY]) as pipe,
        pytest.raises(PipelineError, match="was killed by signal 9"),
    ):
        everything(pipe)


def test_who_only_lost_its_reader_is_not_named_as_a_cause() -> None:
    endless = python(
        "import signal\nsignal.signal(signal.SIGPIPE, signal.SIG_DFL)\nwhile True: print('x' * 1000)"
    )
    with (
        Pipeline("The dump", [endless, python("import sys; sys.stdin.read(10); sys.exit(4)")]) as pipe,
        pytest.raises(PipelineError) as failed,
    ):
        everything(pipe)
    assert len(failed.value.why) == 1 and "code 4" in failed.value.why[0]


def test_what_is_written_reaches_the_first_program_and_a_file_may_take_the_output(tmp_path: Path) -> None:
    with open(tmp_path / "out", "w+b") as file, Pipeline("The restore", [COPY], fed=True, into=file) as pipe:
        pipe.write(b"abc")
        pipe.finish()
        file.seek(0)
        assert file.read() == b"abc"


def test_writing_to_a_program_that_is_gone_tells_its_last_words() -> None:
    gone = python("import sys; print('no such database', file=sys.stderr); sys.exit(1)")
    with (
        Pipeline("The restore", [gone], fed=True, read=False) as pipe,
        pytest.raises(PipelineError, match="no such database"),
    ):
        for _round in range(1000):
            pipe.write(b"x" * 100_000)
        pipe.finish()


def test_leaving_the_block_ends_what_still_runs() -> None:
    began = time.monotonic()
    with Pipeline("The dump", [python("import time; time.sleep(60)"), COPY]):
        pass
    assert time.monotonic() - began < 10


def test_a_reason_for_killing_is_what_the_reader_is_told() -> None:
    with Pipeline("The dump", [python("import time; time.sleep(60)")]) as pipe:
        pipe.kill("it was not done after 3 s (timeout)")
        with pytest.raises(PipelineError) as failed:
            pipe.read(10)
    assert failed.value.why == ["it was not done after 3 s (timeout)"]


def test_a_program_that_is_not_there_is_told_and_leaves_nothing_behind() -> None:
    with pytest.raises(PipelineError, match="could not be started"):
        Pipeline("The dump", [COPY, Program(["/no/such/program"])])


def test_secrets_go_by_the_environment() -> None:
    with Pipeline(
        "The dump", [python("import os; print(os.environ['PGPASSWORD'])", PGPASSWORD="hidden")]
    ) as pipe:
        assert everything(pipe) == b"hidden\n"


def test_the_bytes_that_pg_dump_has_written_are_told_while_it_runs() -> None:
    # The kernel counts a write after its reader was woken: the second one says that the first is counted.
    with Pipeline(
        "The dump", [python("import os, time; os.write(1, b'x' * 5000); os.write(1, b'y'); time.sleep(60)")]
    ) as pipe:
        left = 5001
        while left:
            left -= len(pipe.read(left))
        assert (pipe.written() or 0) >= 5000
