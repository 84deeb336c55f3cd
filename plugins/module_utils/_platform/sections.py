# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What the description of a platform consists of: sections that register themselves.

The description knows no target: rooms of targets register what they add to it when they are imported,
and ``_inventory`` imports them all.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._common.options import Option, Options


@dataclasses.dataclass(frozen=True)
class Section:
    """
    :ivar title: its headline in the reference.
    :ivar variables: by their names, which begin with ``release_``.
    :ivar passed_through: whether modules and roles get them as they are: results show no passwords.
    """

    title: str
    variables: Options
    passed_through: bool = False


SECTIONS: dict[str, Section] = {}
# The strategies of services: what a service may say under the name of each.
STRATEGIES: dict[str, Option] = {}
# The kinds of targets, by the groups of the inventory that their hosts are in.
TARGETS: list[str] = []


def register(section: Section) -> None:
    """Adds a section, or replaces the one of its title."""
    SECTIONS[section.title] = section


def register_strategy(name: str, help_text: str, options: Options) -> None:
    STRATEGIES[name] = Option("dict", help=help_text, fields=options)


def register_target(group: str) -> None:
    if group not in TARGETS:
        TARGETS.append(group)


def variables() -> dict[str, Option]:
    """All variables of all sections."""
    found: dict[str, Option] = {}
    for section in SECTIONS.values():
        found.update(section.variables)
    return found


def passed_through() -> set[str]:
    return {name for section in SECTIONS.values() if section.passed_through for name in section.variables}


def allowed_strategies() -> t.Sequence[str]:
    return tuple(STRATEGIES)
