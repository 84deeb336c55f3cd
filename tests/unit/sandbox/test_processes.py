# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import typing as t
from pathlib import Path

import pytest

from sandbox import health
from sandbox.components.controllers import Scheduler
from sandbox.errors import SandboxError
from sandbox.locking import locked
from sandbox.node import cgroup, procfs
from sandbox.node.sandbox_state import Record, SandboxState, fingerprint, write
from sandbox.settings import SOURCES, Settings


@pytest.fixture
def sleeper() -> t.Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def test_a_record_is_believed_only_for_the_very_same_process(sleeper: subprocess.Popen[bytes]) -> None:
    started = procfs.start_time(sleeper.pid)
    assert started is not None
    record = Record(sleeper.pid, started, procfs.boot_id(), "")
    assert record.alive()
    assert not Record(sleeper.pid, started + 1, procfs.boot_id(), "").alive()
    assert not Record(sleeper.pid, started, "another boot", "").alive()
    sleeper.kill()
    assert procfs.wait_gone(sleeper.pid, started, 5)
    assert not record.alive()  # dead, though not reaped by its parent yet


def test_end_uses_force_on_one_that_does_not_listen_and_spares_a_stranger() -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as stubborn:
        assert stubborn.stdout is not None
        stubborn.stdout.readline()
        started = procfs.start_time(stubborn.pid)
        assert started is not None
        procfs.end(stubborn.pid, started + 1, patience=0.1)
        assert stubborn.poll() is None
        procfs.end(stubborn.pid, started, patience=0.1)
        assert stubborn.wait(5) == -signal.SIGKILL


def test_marked_processes_are_found_by_their_own_state_directory_only(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "600"], env={**os.environ, procfs.MARK: str(tmp_path)}) as process:
        while process.pid not in procfs.marked(tmp_path):
            assert process.poll() is None
        assert list(procfs.marked(tmp_path / "other")) == [] and list(procfs.marked(tmp_path.parent)) == []
        process.kill()


def test_health_takes_only_a_2xx_for_life() -> None:
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(int(self.path.strip("/")))
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    assert [health.answers(f"{url}/{code}") for code in (200, 204, 404, 503)] == [True, True, False, False]
    server.shutdown()
    server.server_close()
    assert not health.answers(f"{url}/200")


def test_waiting_for_a_dead_process_ends_at_once_with_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "etcd.log"
    log.write_text("one\ntwo\nfatal: no space left\n")
    with pytest.raises(SandboxError, match=r"(?s)etcd has ended\..*fatal: no space left") as caught:
        health.wait("etcd", lambda: False, limit=60, alive=lambda: False, log=log)
    assert str(log) in str(caught.value)
    with pytest.raises(SandboxError, match="does not answer after"):
        health.wait("etcd", lambda: False, limit=0.01)


def test_a_changed_file_or_flag_is_another_fingerprint(tmp_path: Path) -> None:
    same = fingerprint(["a", "b"], {tmp_path: "x"}, {"k": "v"})
    assert same == fingerprint(["a", "b"], {tmp_path: "x"}, {"k": "v"})
    others = {
        fingerprint(["a"], {tmp_path: "x"}, {}),
        fingerprint(["a", "b"], {tmp_path: "y"}, {"k": "v"}),
        fingerprint(["a", "b"], {tmp_path: "x"}, {}),
    }
    assert len(others | {same}) == 4


def test_other_ports_are_another_fingerprint_for_whoever_talks_to_the_api_server(tmp_path: Path) -> None:
    """The scheduler's own flags and files say nothing of the address: it went on asking the old one."""
    assert (
        len(
            {
                Scheduler(SandboxState(Settings(tmp_path, offset), tmp_path)).fingerprint
                for offset in (0, 0, 100)
            }
        )
        == 2
    )


def test_a_file_is_written_with_its_rights_from_the_start(tmp_path: Path) -> None:
    write(tmp_path / "deep" / "key", "secret", mode=0o600)
    assert (tmp_path / "deep" / "key").read_text() == "secret"
    assert (tmp_path / "deep" / "key").stat().st_mode & 0o777 == 0o600


def test_a_second_command_waits_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entered = threading.Event()

    def second() -> None:
        with locked(tmp_path / "lock", "waiting for the other"):
            entered.set()

    with locked(tmp_path / "lock", ""):
        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.wait(0.2)
    thread.join(5)
    assert entered.is_set() and capsys.readouterr().out == "waiting for the other\n"


def test_cgroups_are_made_in_every_hierarchy_of_version_1_and_removed_with_their_children(
    tmp_path: Path,
) -> None:
    for controller in ("cpuset", "memory"):
        (tmp_path / controller).mkdir()
        (tmp_path / controller / "cgroup.procs").touch()
    (tmp_path / "alias").symlink_to("memory")
    cgroup.make("runbook-x", tmp_path)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("*/runbook-x")) == [
        "alias/runbook-x",
        "cpuset/runbook-x",
        "memory/runbook-x",
    ]
    (tmp_path / "memory" / "runbook-x" / "kubepods" / "pod1").mkdir(parents=True)
    cgroup.remove("runbook-x", tmp_path)
    assert list(tmp_path.glob("*/runbook-x")) == []
    cgroup.remove("runbook-x", tmp_path)


@pytest.mark.parametrize(
    ("hierarchy", "file", "share"), [("cpu", "cpu.shares", "10240"), ("", "cpu.weight", "1000")]
)
def test_the_pods_have_more_than_one_processs_share_of_the_processors(
    tmp_path: Path, hierarchy: str, file: str, share: str
) -> None:
    group = tmp_path / hierarchy / "runbook-x"
    group.mkdir(parents=True)
    (group / file).write_text("100")
    if hierarchy:
        (tmp_path / hierarchy / "cgroup.procs").touch()
    else:
        (tmp_path / "cgroup.controllers").write_text("cpu memory")
    cgroup.make("runbook-x", tmp_path)
    assert (group / file).read_text() == share


def test_a_cgroup_in_use_is_told(tmp_path: Path) -> None:
    (tmp_path / "memory" / "runbook-x" / "pod").mkdir(parents=True)
    (tmp_path / "memory" / "cgroup.procs").touch()
    (
        tmp_path / "memory" / "runbook-x" / "pod" / "held"
    ).touch()  # a folder that rmdir refuses, as the kernel does
    with pytest.raises(SandboxError, match="still in use"):
        cgroup.remove("runbook-x", tmp_path, patience=0.1)


def test_the_forwarder_copies_both_ways_and_heeds_a_half_closed_connection() -> None:
    """Its two sides have the same port in two networks; here a second loopback address is the other side."""
    far = socket.create_server(("127.0.0.1", 0))
    port = far.getsockname()[1]
    near = socket.create_server(("127.0.0.2", port))

    def reverse() -> None:
        connection = far.accept()[0]
        with connection, connection.makefile("rb") as file:
            connection.sendall(file.read()[::-1])

    answering = threading.Thread(target=reverse)
    answering.start()
    command = [sys.executable, "-I", "-S", str(SOURCES / "node" / "forward.py"), json.dumps([port])]
    with subprocess.Popen(command, pass_fds=[near.fileno()]) as forwarder:
        with socket.create_connection(("127.0.0.2", port)) as client:
            client.sendall(b"abc" * 100_000)
            client.shutdown(socket.SHUT_WR)
            with client.makefile("rb") as file:
                assert file.read() == b"cba" * 100_000
        forwarder.terminate()
    answering.join(5)
    near.close()
    far.close()
