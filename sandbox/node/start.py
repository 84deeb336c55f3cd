# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brings the sandbox up: for the command, for the demo, and for the tests."""

from __future__ import annotations

import time

from sandbox.build.builder import CLUSTER, Builder
from sandbox.locking import locked
from sandbox.node import network, requirements, supervisor
from sandbox.node.sandbox_state import SandboxState
from sandbox.settings import Settings

WAITING = "Another command is changing the sandbox; waiting for it."


def bring_up(settings: Settings) -> SandboxState:
    requirements.require_root()
    with locked(settings.lock, WAITING):
        requirements.install_missing()
        requirements.load_modules(network.modules_wanted())
        programs = Builder(settings).ensure(CLUSTER)
        began = time.monotonic()
        sandbox = SandboxState(settings, programs)
        started = supervisor.up(sandbox)
    lasted = time.monotonic() - began
    print(
        f"The sandbox is ready: {len(started)} server(s) started in {lasted:.1f} s."
        if started
        else f"The sandbox runs already ({lasted:.1f} s)."
    )
    return sandbox


def exports(settings: Settings) -> str:
    return f'export KUBECONFIG={settings.kubeconfig} PATH={Builder(settings).folder}:"$PATH"'
