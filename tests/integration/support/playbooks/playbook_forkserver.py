# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-playbook without its start: forked off a process that has imported it already.

Of the 1.2 s of processor time that a play of one task takes, 1.0 s are imports and the definitions of plugins
(measured), and the tests run hundreds of them. What is forked is ansible-playbook itself, with a command line, an
environment and outputs of its own, in a session of its own; only the imports are shared. What
imports have to do with (settings that Ansible reads from ANSIBLE_*) is settled when the process
starts, so there is one for every such set. The quick start's release and all that is
interrupted or read while it runs are started as users start them.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
import typing as t
import warnings
from pathlib import Path

ROOT = Path(__file__).parents[4]
# All that a play imports before it knows its tasks, and what nearly every task of ours stands on.
_MODULES = (
    "ansible.cli.playbook", "ansible.executor.process.worker", "ansible.executor.task_queue_manager", "ansible.module_utils.urls",
    "ansible.plugins.strategy.linear", "boto3", "botocore.config", "kubernetes.client", "kubernetes.config", "psycopg",
)  # fmt: skip
_USED: list[float] = []
_LARGEST_REQUEST = 1 << 17  # bytes; a command line and an environment


def run(
    command: t.Sequence[str], environment: t.Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """``subprocess.run`` of an ansible-playbook, from the checkout, with nothing to read."""
    settings = tuple(
        sorted(
            (name, value)
            for name, value in environment.items()
            if name.startswith("ANSIBLE_") or name == "HOME"
        )
    )
    ours, theirs = socket.socketpair()
    with contextlib.ExitStack() as stack:
        out, err = (stack.enter_context(tempfile.TemporaryFile("w+")) for _number in range(2))
        answers = stack.enter_context(stack.enter_context(ours).makefile("r"))
        with theirs:
            request = json.dumps([list(command), dict(environment)]).encode()
            socket.send_fds(_process(settings), [request], [out.fileno(), err.fileno(), theirs.fileno()])
        process = answers.readline()
        assert process, "the process that has imported ansible-playbook is gone; its last words are above"
        ours.settimeout(timeout)
        try:
            answer = answers.readline()
        except TimeoutError:
            os.killpg(int(process), signal.SIGKILL)
            raise subprocess.TimeoutExpired(list(command), timeout, _all_of(out), _all_of(err)) from None
        code, _space, used = answer.partition(" ")
        _USED.append(float(used or 0))
        return subprocess.CompletedProcess(
            list(command), int(code or -signal.SIGKILL), _all_of(out), _all_of(err)
        )


def processor_seconds() -> float:
    """Of all playbooks that have ended here. They are not children of this process, so it cannot ask for theirs."""
    return sum(_USED)


def _all_of(file: t.IO[str]) -> str:
    file.seek(0)
    return file.read()


@functools.cache
def _process(settings: tuple[tuple[str, str], ...]) -> socket.socket:
    """Where the process with these settings takes its requests.
    It ends when this end of it is closed, and so with us.
    """
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    others = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    with theirs:
        number = theirs.fileno()
        command = [
            sys.executable,
            "-m",
            "tests.integration.support.playbooks.playbook_forkserver",
            str(number),
        ]
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**others, **dict(settings)},
            stdin=subprocess.DEVNULL,
            pass_fds=[number],
            start_new_session=True,
        )
    return ours


def _load_plugins() -> None:
    """What a play loads before its first task, and what every task of ours imports: two thirds of a play's time."""
    from ansible.plugins import loader

    loader.init_plugin_loader()
    # The play will ask for the same once more.
    warnings.filterwarnings("ignore", "AnsibleCollectionFinder has already been configured")
    importlib.import_module("ansible_collections.ansible.builtin")
    # Not those of variables: Ansible asks them for group_vars only when they are loaded within the play.
    for kind in (loader.inventory_loader, loader.callback_loader):
        for _plugin in kind.all(class_only=True):
            """Read, and remembered by Ansible."""
    loader.connection_loader.get("local", class_only=True)
    loader.shell_loader.get("sh")
    for file in sorted((ROOT / "plugins" / "action").glob("*.py")):
        importlib.import_module(f"ansible_collections.runbook.release.plugins.action.{file.stem}")


def _serve(requests: socket.socket) -> None:
    for name in _MODULES:
        importlib.import_module(name)
    _load_plugins()
    gc.freeze()  # what is imported stays shared: the collector would write to every object once
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks for their exit codes here
    while True:
        request, handles, _flags, _address = socket.recv_fds(requests, _LARGEST_REQUEST, 3)
        if not request:
            return
        if os.fork() == 0:
            requests.close()
            os._exit(_play(json.loads(request), handles))
        for handle in handles:
            os.close(handle)


def _play(request: tuple[list[str], dict[str, str]], handles: t.Sequence[int]) -> int:
    """In the child: ansible-playbook's own main."""
    from ansible.cli.playbook import PlaybookCLI

    (command, environment), (out, err, answers) = request, handles
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv, code = command, 1
    with socket.socket(fileno=answers) as answer:
        answer.sendall(f"{os.getpid()}\n".encode())
        try:
            PlaybookCLI.cli_executor(command)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        with contextlib.suppress(OSError):  # nobody waits any more
            usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
            used = sum(usage.ru_utime + usage.ru_stime for usage in usages)
            answer.sendall(f"{code} {used:.2f}\n".encode())
    return code


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
