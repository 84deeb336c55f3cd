# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""A workload by the name that a person gives it, as kubectl
takes it: wallet, deployment/wallet, statefulset/ledger.
"""

from __future__ import annotations

from ..._common.errors import InputError
from ..api.port import WORKLOADS, KubeApi, Object, cron_jobs, workloads
from .status import absent, by_name


def named(api: KubeApi, namespace: str, option: str, value: str, cron: bool = False) -> Object:
    """The object, with its kind in it; a Deployment where the value names no kind.

    :param cron: a CronJob is allowed, too.
    """
    kinds = {kind.lower(): kind for kind in (*WORKLOADS, *(["CronJob"] if cron else []))}
    given_kind, slash, name = value.rpartition("/")
    if (slash and given_kind.lower() not in kinds) or not name:
        allowed = ", ".join(f"{kind}/NAME" for kind in kinds)
        raise InputError(
            f"{option}: found {value}; allowed: the name of a Deployment, or one of {allowed}",
            then="correct it; nothing was changed",
        )
    kind = kinds[given_kind.lower()] if slash else "Deployment"
    path = cron_jobs(namespace) if kind == "CronJob" else workloads(kind, namespace)
    live = by_name(api.get(path), kind)
    if name not in live:
        raise InputError(
            f"{option}: found {value}; in namespace {namespace} is {absent(name, live, kind)}",
            then="correct the name; nothing was changed",
        )
    return live[name]
