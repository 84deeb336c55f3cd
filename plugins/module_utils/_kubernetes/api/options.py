# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Options that operations on Kubernetes share."""

from __future__ import annotations

from ..._common.options import REQUIRED, Option

CLUSTER: dict[str, Option] = {
    "kubeconfig": Option("path"),
    "context": Option("str"),
    "api_retry_timeout": Option("int", 8, low=0),
}
NAMESPACE: dict[str, Option] = {**CLUSTER, "namespace": Option("str", REQUIRED)}
LOCK: dict[str, Option] = {"lock_force": Option("bool", False)}
TIMEOUT: dict[str, Option] = {"timeout": Option("int", 300, low=1), "stuck_after": Option("int", 60, low=1)}
TEXTS = Option("list", each=Option("str"))
