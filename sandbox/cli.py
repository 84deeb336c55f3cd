# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox's command: python -m sandbox COMMAND."""

from __future__ import annotations

import argparse
import os
import sys
import time
import typing as t

from sandbox.build.builder import Builder
from sandbox.components import standard
from sandbox.demo import commands, story, user_cluster
from sandbox.errors import SandboxError
from sandbox.locking import locked
from sandbox.node import fake_nodes, requirements, supervisor
from sandbox.node.sandbox_state import SandboxState
from sandbox.node.start import WAITING, bring_up, exports
from sandbox.settings import Settings


def _up(settings: Settings, options: argparse.Namespace) -> int:
    if kubeconfig := user_cluster.chosen(settings):
        print(
            f"KUBECONFIG is set to {kubeconfig}: that cluster is used and no sandbox is started. To start one: unset KUBECONFIG"
        )
        return 0
    kind, _, nodes = os.environ.get("SANDBOX", "").partition("=")
    if kind not in ("", "kwok") or not (nodes or "2").isdigit():
        raise SandboxError(
            "SANDBOX is empty, or kwok for two fake nodes beside the real one, or kwok=N for N of them."
        )
    sandbox = bring_up(settings)
    if kind:
        Builder(settings).ensure(("kwok",))
        fake_nodes.place(sandbox, int(nodes or 2), 110)
    print_summary(sandbox)
    return 0


def print_summary(sandbox: SandboxState) -> None:
    settings = sandbox.settings
    print(f"  Kubernetes  {settings.api_url}")
    print(f"  ingress     {settings.ingress_url}")
    print(f"  registry    {settings.registry}")
    print(f"  Prometheus  {settings.prometheus_url}")
    print(f"  logs        {settings.logs}")
    print("To look around:")
    print(exports(settings))


def _down(settings: Settings, options: argparse.Namespace) -> int:
    requirements.require_root()
    with locked(settings.lock, WAITING):
        began = time.monotonic()
        supervisor.down(settings)
    print(
        f"The sandbox is down and nothing of it runs ({time.monotonic() - began:.1f} s). Its images and built programs are kept: make clean removes them."
    )
    return 0


def _status(settings: Settings, options: argparse.Namespace) -> int:
    requirements.require_root()
    sandbox = SandboxState(settings, Builder(settings).folder)
    if sandbox.namespaces.first is None:
        print("The sandbox does not run. Start it with: make sandbox")
        return 1
    sick = 0
    with sandbox.namespaces.network():
        for component in standard(sandbox):
            record = sandbox.record(component.name)
            well = record is not None and component.healthy()
            sick += not well
            state = "works" if well else "does not answer" if record else "has ended"
            print(f"  {component.name:<24} {state:<16} {f'process {record.pid}' if record else ''}")
    if sick:
        print("To repair: make sandbox")
    return 1 if sick else 0


def _env(settings: Settings, options: argparse.Namespace) -> int:
    print(exports(settings))
    return 0


def _exec(settings: Settings, options: argparse.Namespace) -> int:
    requirements.require_root()
    sandbox = SandboxState(settings, Builder(settings).folder)
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise SandboxError(
            "Which command? For example: python -m sandbox exec -- kubectl get pods --all-namespaces"
        )
    environment = {
        **os.environ,
        "RUNBOOK_SANDBOX": str(settings.state),
        "KUBECONFIG": str(settings.kubeconfig),
        "PATH": f"{sandbox.programs}:{os.environ.get('PATH', '')}",
    }
    sys.stdout.flush()
    os.execvpe(
        "nsenter",
        ["nsenter", "--target", str(sandbox.namespaces.require()), "--net", "--", *command],
        environment,
    )


def _build(settings: Settings, options: argparse.Namespace) -> int:
    began = time.monotonic()
    folder = Builder(settings).ensure()
    print(f"All programs are in {folder} ({time.monotonic() - began:.0f} s).")
    return 0


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    known = top.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, run: t.Callable[[Settings, argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        made = known.add_parser(name, help=text, description=text)
        made.set_defaults(run=run)
        return made

    command("up", _up, "start what does not run; repairs what died")
    command("down", _down, "stop everything and leave nothing behind")
    command("status", _status, "what runs and what answers")
    command("env", _env, "shell commands for KUBECONFIG and PATH")
    command("exec", _exec, "run a command in the sandbox's network").add_argument(
        "command", nargs=argparse.REMAINDER
    )
    command("build", _build, "only build the programs")
    command("demo", story.run, "a good and a bad release under load, summed up on the screen")
    for name, run, text in (
        ("platform", commands.platform, "place the demo platform, or put it back to a version"),
        ("image", commands.image, "build and push one service's image, with faults if wanted"),
        ("load", commands.load, "a constant rate of requests through the ingress, with a report as JSON"),
        ("kwok", commands.kwok, "fake nodes for scale"),
    ):
        commands.add_arguments(name, command(name, run, text))
    return top


def main() -> int:
    options = parser().parse_args()
    settings = Settings.from_environment()
    try:
        code: int = options.run(settings, options)
        return code
    except SandboxError as problem:
        print(f"{problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read this has read enough; what was to be done is done.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
