# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts all components, each as soon as those it needs work, and takes all of it away again."""

from __future__ import annotations

import shutil
import time
import typing as t
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from sandbox.components import Component, standard
from sandbox.errors import SandboxError
from sandbox.node import cgroup, network
from sandbox.node.namespaces import Namespaces
from sandbox.node.sandbox_state import SandboxState
from sandbox.settings import Settings

# Kept by `down`: what is costly to make again and does no harm. Everything else is a new cluster's to make.
KEPT = ("registry", "docker", "images.json")


def up(sandbox: SandboxState, components: t.Sequence[Component] | None = None) -> list[str]:
    """Whatever the state before, all components run afterwards.
    Returns the names of those that had to be started.
    """
    if sandbox.namespaces.first is None:
        # After a crash of the machine or of everything: for each cgroup of a container that is
        # no more, cAdvisor would wait for seconds, and the node not start its pods for minutes.
        sandbox.namespaces.destroy()
        cgroup.remove(sandbox.settings.identity)
        sandbox.settings.root.mkdir(parents=True, exist_ok=True)
        sandbox.namespaces.make(Path(sandbox.program("pause")))
    cgroup.make(sandbox.settings.identity)
    network.ensure(sandbox.namespaces)
    sandbox.keys.make_all()
    sandbox.write_kubeconfigs()
    started = ensure_all(sandbox, standard(sandbox) if components is None else components)
    if started:
        _wait_for_accounts(sandbox)
    return started


def ensure_all(sandbox: SandboxState, components: t.Sequence[Component]) -> list[str]:
    names = {component.name for component in components}
    waiting = {component.name: component for component in components}
    done: set[str] = set()
    started: list[str] = []
    began = time.monotonic()

    def work(component: Component) -> bool:
        with sandbox.namespaces.network():
            return component.ensure()

    with ThreadPoolExecutor(max_workers=len(components)) as pool:
        running: dict[Future[bool], Component] = {}
        problems: list[SandboxError] = []
        while waiting or running:
            for name, component in list(waiting.items()):
                if not problems and all(needed in done or needed not in names for needed in component.after):
                    running[pool.submit(work, component)] = waiting.pop(name)
            if not running:
                break
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                component = running.pop(future)
                try:
                    if future.result():
                        started.append(component.name)
                        print(
                            f"  {component.name:<24} ready after {time.monotonic() - began:4.1f} s",
                            flush=True,
                        )
                    done.add(component.name)
                except SandboxError as problem:
                    problems.append(problem)
    if problems:
        raise SandboxError(
            "\n".join(str(problem) for problem in problems)
            + "\nTo begin anew: make sandbox-down, then make sandbox"
        )
    return started


def _wait_for_accounts(sandbox: SandboxState) -> None:
    """No pod can be created before its namespace has its
    default account, a moment after the controllers start.
    """
    with sandbox.namespaces.network():
        for event in sandbox.api.watch(
            "/api/v1/namespaces/default/serviceaccounts?fieldSelector=metadata.name%3Ddefault", seconds=60
        ):
            if event["type"] in ("ADDED", "MODIFIED"):
                return
    raise SandboxError(
        "The controller manager made no default account within 60 s. Look at its log, or begin anew: make sandbox-down"
    )


def down(settings: Settings) -> None:
    """Ends everything and removes what a next start would make anew. Right whatever state it meets."""
    Namespaces(settings).destroy()
    cgroup.remove(settings.identity)
    mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    left = [place for place in mounted if place.startswith(f"{settings.root}/")]
    if left:
        raise SandboxError(
            f"These mounts are in the way: {', '.join(left)}. Look who uses them with `fuser -vm {left[0]}`, then `umount` them."
        )
    if settings.root.exists():
        for entry in settings.root.iterdir():
            if entry.name in KEPT:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
