# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The strategies by the names that users give them: a new one is a file beside this and a line here."""

from __future__ import annotations

from ...._common.options import Option
from .base import Service, Strategy
from .recreate import Recreate
from .rolling import Rolling

DEFAULT = Rolling()
STRATEGIES: dict[str, Strategy] = {strategy.name: strategy for strategy in (DEFAULT, Recreate())}


def strategy_of(service: Service) -> Strategy:
    return STRATEGIES[service.get("strategy") or DEFAULT.name]


def options_of_strategies() -> dict[str, Option]:
    """What a service may say under the name of a strategy."""
    return {
        strategy.name: Option("dict", fields=strategy.OPTIONS, help=strategy.HELP)
        for strategy in STRATEGIES.values()
        if strategy.OPTIONS
    }
