# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Options that operations on Kubernetes share."""

from __future__ import annotations

import typing as t

CLUSTER: dict[str, t.Any] = {
    "kubeconfig": {"type": "path"},
    "context": {"type": "str"},
    "api_patience": {"type": "int", "default": 8},
}
NAMESPACE: dict[str, t.Any] = {**CLUSTER, "namespace": {"type": "str", "required": True}}
LOCK: dict[str, t.Any] = {"lock_force": {"type": "bool", "default": False}}
TIMEOUT: dict[str, t.Any] = {
    "timeout": {"type": "int", "default": 300},
    "stuck_after": {"type": "int", "default": 60},
}
TEXTS: dict[str, t.Any] = {"type": "list", "elements": "str"}
