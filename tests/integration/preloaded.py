# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-playbook without its start: forked off a process that has imported it already.

Of the 1.2 s of processor time that a play of one task takes, 0.9 s are imports (measured), and the tests run hundreds of them. What is
forked is ansible-playbook itself, with a command line, an environment and outputs of its own, in a session of its own; only the imports
are shared. What imports have to do with (settings that Ansible reads from ANSIBLE_*) is settled when the process starts, so there is one for
every such set. Releases, and all that is interrupted, are run as users run them.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

ROOT = Path(__file__).parents[2]
# All that a play imports before it knows its tasks, and what nearly every task of ours stands on.
_MODULES = (
    "ansible.cli.playbook", "ansible.executor.process.worker", "ansible.executor.task_queue_manager", "ansible.module_utils.urls",
    "ansible.plugins.strategy.linear", "boto3", "botocore.config", "kubernetes.client", "kubernetes.config", "psycopg",
)  # fmt: skip


def run(command: t.Sequence[str], environment: t.Mapping[str, str], timeout: float) -> subprocess.CompletedProcess[str]:
    """``subprocess.run`` of an ansible-playbook, from the checkout, with nothing to read."""
    ours = tuple(sorted((name, value) for name, value in environment.items() if name.startswith("ANSIBLE_") or name == "HOME"))
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err, _connected(_server(ours).address) as connection:
        socket.send_fds(connection, [json.dumps([list(command), dict(environment)]).encode() + b"\n"], [out.fileno(), err.fileno()])
        with connection.makefile("r") as answers:
            process = int(answers.readline())
            connection.settimeout(timeout)
            try:
                ended = answers.readline()
            except TimeoutError:
                os.killpg(process, signal.SIGKILL)
                raise subprocess.TimeoutExpired(list(command), timeout, _all_of(out), _all_of(err)) from None
        return subprocess.CompletedProcess(list(command), int(ended or -signal.SIGKILL), _all_of(out), _all_of(err))


def _all_of(file: t.IO[str]) -> str:
    file.seek(0)
    return file.read()


@contextlib.contextmanager
def _connected(address: str) -> t.Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        yield connection


class _Server:
    """The process that is forked from. It ends with the one that started it, whose end closes its standard input."""

    def __init__(self, settings: t.Iterable[tuple[str, str]]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="runbook-preloaded-")
        self.address = f"{self._folder.name}/socket"
        # PATH and what else a play may be given come with each of them.
        environment = {**{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}, **dict(settings)}
        command = [sys.executable, "-m", "tests.integration.preloaded", self.address]
        self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert self._process.stdout
        assert self._process.stdout.readline() == "ready\n", "the process that imports ansible-playbook has ended; its last words are above"


@functools.cache
def _server(settings: tuple[tuple[str, str], ...]) -> _Server:
    return _Server(settings)


def _serve(address: str) -> None:
    for name in _MODULES:
        importlib.import_module(name)
    # What is imported stays shared: the collector would write to every object once.
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        print("ready", flush=True)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks for their exit codes here
        while True:
            readable, _writable, _exceptional = select.select([listener, sys.stdin], [], [])
            if sys.stdin in readable:
                return
            connection, _address = listener.accept()
            with connection:
                if os.fork() == 0:
                    listener.close()
                    os._exit(_play(connection))


def _play(connection: socket.socket) -> int:
    """In the child: ansible-playbook's own main."""
    from ansible.cli.playbook import PlaybookCLI

    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        request, outputs, _flags, _address = socket.recv_fds(connection, 1 << 20, 2)
        while not request.endswith(b"\n"):
            request += connection.recv(1 << 20)
        command, environment = json.loads(request)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, descriptor in enumerate([nothing, *outputs]):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = command
        connection.sendall(f"{os.getpid()}\n".encode())
        try:
            PlaybookCLI.cli_executor(command)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        with contextlib.suppress(OSError):
            connection.sendall(f"{code}\n".encode())
    return code


if __name__ == "__main__":
    _serve(sys.argv[1])
