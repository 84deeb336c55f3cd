# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo platform on paper: its services, how they depend
on each other, and the versions there are of them.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

PLATFORM = "exchange"
GATEWAY = "api-gateway"
# Each service, and those that have to be released before it.
SERVICES: dict[str, tuple[str, ...]] = {
    "auth": (),
    "user": ("auth",),
    "kyc": ("auth",),
    "wallet": ("user", "kyc"),
    "compliance": ("user", "kyc"),
    "payment": ("user", "kyc"),
    "trading": ("wallet", "compliance", "payment"),
    "matching-engine": ("trading",),
    GATEWAY: ("matching-engine",),
}
FIRST, GOOD, BAD = "1.0.0", "1.1.0", "1.2.0"
VERSIONS = (FIRST, GOOD, BAD)
BROKEN_SERVICE, LAST_WORDS = "wallet", "fatal: wallet ledger schema 41 is older than required 42"
FAULTS = (
    "FAULT_EXIT_AT_START", "FAULT_EXIT_AFTER", "FAULT_LAST_WORDS", "FAULT_NEVER_READY", "FAULT_READY_AFTER",
    "FAULT_ERROR_PERCENT", "FAULT_LATENCY_MS", "FAULT_LEAK_MB_PER_SECOND", "FAULT_IGNORE_SIGTERM",
)  # fmt: skip


@dataclass(frozen=True)
class Image:
    service: str
    version: str
    faults: t.Mapping[str, str] = field(default_factory=dict)

    def reference(self, registry: str) -> str:
        return f"{registry}/{self.service}:{self.version}"


def images() -> list[Image]:
    """Every service in every version. In the bad one a single service is bad, as it is in life."""
    broken = {"FAULT_EXIT_AT_START": "3", "FAULT_LAST_WORDS": LAST_WORDS}
    return [
        Image(service, version, broken if (service, version) == (BROKEN_SERVICE, BAD) else {})
        for version in VERSIONS for service in SERVICES
    ]  # fmt: skip
