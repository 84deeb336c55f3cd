# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""All workloads of some kinds, with the versions to watch them from."""

from __future__ import annotations

import typing as t

from ..api.port import KubeApi, Object, workloads
from .status import by_name

# By kind, then by name.
Workloads = dict[str, dict[str, Object]]


def read(api: KubeApi, namespace: str, kinds: t.Iterable[str]) -> tuple[Workloads, dict[str, str]]:
    """The workloads, and the version of each list by its path."""
    by_kind: Workloads = {}
    versions: dict[str, str] = {}
    for kind in sorted(set(kinds)):
        path = workloads(kind, namespace)
        listing = api.get(path)
        by_kind[kind] = by_name(listing, kind)
        versions[path] = listing["metadata"]["resourceVersion"]
    return by_kind, versions
