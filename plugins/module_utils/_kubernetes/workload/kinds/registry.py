# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The kinds of workloads that run services: a new one is a file beside this and a line here."""

from __future__ import annotations

from .base import Kind
from .daemon_set import DaemonSet
from .deployment import Deployment
from .stateful_set import StatefulSet

KINDS: dict[str, Kind] = {kind.name: kind for kind in (Deployment(), StatefulSet(), DaemonSet())}
