# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands that concern the demo platform."""

from __future__ import annotations

import argparse
import json
import signal
from pathlib import Path
from types import FrameType

from sandbox.build.builder import Builder
from sandbox.demo import demo_target, user_cluster
from sandbox.demo.demo_services import FAULTS, FIRST, PLATFORM, SERVICES, VERSIONS, Image
from sandbox.demo.load import FOREVER, Load, tell
from sandbox.errors import SandboxError
from sandbox.node import fake_nodes, requirements
from sandbox.node.sandbox_state import write
from sandbox.settings import Settings


def _place(settings: Settings, options: argparse.Namespace) -> demo_target.DemoTarget:
    if not user_cluster.chosen(settings):
        requirements.require_root()
    return demo_target.running(settings, options.namespace)


def platform(settings: Settings, options: argparse.Namespace) -> int:
    where = _place(settings, options)
    took = where.place(options.version)
    print(
        f"The demo platform is in namespace {where.space}, all {len(SERVICES)} services in version {options.version}, and serves ({took:.1f} s)."
    )
    return 0


def image(settings: Settings, options: argparse.Namespace) -> int:
    faults = dict(fault.partition("=")[::2] for fault in options.fault)
    unknown = sorted(set(faults) - set(FAULTS))
    if unknown:
        raise SandboxError(f"There is no fault {', '.join(unknown)}. There are: {', '.join(FAULTS)}")
    if options.service not in SERVICES:
        raise SandboxError(f"There is no service {options.service}. There are: {', '.join(SERVICES)}")
    print(_place(settings, options).publish(Image(options.service, options.version, faults)))
    return 0


def load(settings: Settings, options: argparse.Namespace) -> int:
    programs = Builder(settings).ensure(("k6",))
    with _place(settings, options).target() as target:
        run = Load(
            str(programs / "k6"),
            target,
            options.rate,
            options.duration or FOREVER,
            {*VERSIONS, *options.versions},
        )
        run.start(settings.state)

        def end(_number: int, _frame: FrameType | None) -> None:
            run.interrupt()

        signal.signal(signal.SIGINT, end)
        signal.signal(signal.SIGTERM, end)
        summary = run.result()
    write(Path(options.out), json.dumps(summary, indent=1))
    print(tell(summary))
    print(f"All figures: {options.out}")
    return 1 if summary["failed"] else 0


def kwok(settings: Settings, options: argparse.Namespace) -> int:
    requirements.require_root()
    Builder(settings).ensure(("kwok",))
    where = demo_target.running(settings)
    if where.sandbox is None:
        raise SandboxError("Fake nodes are for the sandbox only; unset KUBECONFIG and try again.")
    fake_nodes.place(where.sandbox, options.nodes, options.pods_per_node)
    print(
        f"{options.nodes} fake node(s) for {options.pods_per_node} pods each are Ready. Pods get there by tolerating the taint sandbox/fake."
    )
    return 0


def add_arguments(name: str, command: argparse.ArgumentParser) -> None:
    if name != "kwok":
        command.add_argument("--namespace", default=PLATFORM)
    if name == "platform":
        command.add_argument("--version", default=FIRST)
    elif name == "image":
        command.add_argument("--service", required=True)
        command.add_argument("--version", required=True)
        command.add_argument(
            "--fault", action="append", default=[], metavar="NAME=VALUE", help="; ".join(FAULTS)
        )
    elif name == "load":
        command.add_argument("--rate", type=int, default=200, help="requests a second")
        command.add_argument("--duration", type=int, help="seconds; without it until SIGINT or SIGTERM")
        command.add_argument("--out", default="load.json")
        command.add_argument(
            "--versions", nargs="*", default=[], help="further versions to tell apart in the answers"
        )
    elif name == "kwok":
        command.add_argument("--nodes", type=int, default=2)
        command.add_argument("--pods-per-node", type=int, default=110)
