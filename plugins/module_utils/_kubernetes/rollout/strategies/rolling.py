# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Pods are replaced a few at a time, as the workload itself says."""

from __future__ import annotations

import typing as t

from ...api.port import Object
from ...workload.fields import values
from .base import Service, Step, Strategy, only_deployments


class Rolling(Strategy):
    name = "rolling"
    HELP = "Pods are replaced a few at a time, as the workload itself says."

    def problems(self, service: Service, live: Object) -> t.Iterator[str]:
        yield from only_deployments(service, live)

    def plan(self, service: Service, live: Object) -> list[Step]:
        """A Deployment keeps its own strategy where the user names none."""
        desired = values.desired(service)
        if service.get("strategy"):
            desired["strategy",] = {"type": "RollingUpdate"}
        return [Step("rollout", desired)]
