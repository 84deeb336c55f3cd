# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""All pods end before the first new one starts: two versions never run together."""

from __future__ import annotations

import typing as t

from ...api.port import Object
from ...workload.fields import values
from .base import Service, Step, Strategy, only_deployments


class Recreate(Strategy):
    name = "recreate"
    HELP = "All pods end before the first new one starts, where two versions must never run together."

    def problems(self, service: Service, live: Object) -> t.Iterator[str]:
        yield from only_deployments(service, live)

    def plan(self, service: Service, live: Object) -> list[Step]:
        return [Step("rollout", {**values.desired(service), ("strategy",): {"type": "Recreate"}})]
