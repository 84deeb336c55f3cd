# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/inventory.md, made of the options themselves: python -m tests.gates.inventory [--check].

What a variable is for is the ``help`` of its option; what it may be is what the option checks.
"""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".collections"))

from ansible_collections.runbook.release.plugins.module_utils._common.options import (  # noqa: E402
    REQUIRED,
    Option,
)
from ansible_collections.runbook.release.plugins.module_utils._inventory import inventory  # noqa: E402
from ansible_collections.runbook.release.plugins.module_utils._platform import sections  # noqa: E402
from ansible_collections.runbook.release.plugins.module_utils._platform.service import (  # noqa: E402
    service_option,
)

PAGE = ROOT / "docs" / "inventory.md"
HEAD = """<!--
Copyright: (c) 2026, runbook.release contributors
SPDX-License-Identifier: GPL-3.0-or-later

Made by `make docs` out of the options that check the inventory. Edit their `help`, not this page.
-->

# What the inventory says of a platform

Clusters are hosts of the group `kubernetes`, a child of `release_targets`; a database is a host of the group `databases`. Both have
`ansible_connection: local` where the controller reaches them itself. Everything about the platform stands in variables whose names
begin with `release_`. They are checked as a whole before anything changes: an unknown name, an unknown key or a wrong value is an
error that names the variable, what was found and what is allowed.
"""
SERVICES = """
## A service

`release_services` is a list of services. Everything but `name` may be left out, and what is left out stays as it is in the cluster.
"""
TAIL = """
A release takes a backup of the database before it changes anything, proves it by a restore, and stops where that fails; see
[data.md](data.md). What cannot heal by waiting (a crash loop, an image or a Secret that is not there) ends the release at once,
with the reason, and everything it touched goes back to what ran before.
"""


def main() -> int:
    made = text()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(made)
        return 0
    if PAGE.read_text() == made:
        return 0
    print("docs/inventory.md is not what the options say. Next: make docs", file=sys.stderr)
    return 1


def text() -> str:
    assert inventory.REGISTERED, "importing the inventory registers all sections"
    service = service_option()
    parts = [HEAD, SERVICES, *table(service.fields or {}, "key")]
    for section in sorted(sections.SECTIONS.values(), key=_may_be_left_out):
        parts += ["", f"## {section.title}", "", *table(section.variables, "variable")]
    return "\n".join([*parts, TAIL]).replace("\n\n\n", "\n\n")


def _may_be_left_out(section: sections.Section) -> bool:
    return all(option.default is not REQUIRED for option in section.variables.values())


def table(options: t.Mapping[str, Option], head: str) -> t.Iterator[str]:
    yield f"| {head} | what it is for | allowed | default |"
    yield "|---|---|---|---|"
    for name, option in rows(options):
        cells = [f"`{name}`", option.help, option.allowed_text(), default(option)]
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def rows(options: t.Mapping[str, Option], before: str = "") -> t.Iterator[tuple[str, Option]]:
    """Keys of a dictionary, and of the dictionaries in a list, stand below it by their paths."""
    for name, option in options.items():
        yield f"{before}{name}", option
        inner = option.each.fields if option.each is not None else option.fields
        if inner and any(field.help for field in inner.values()):
            yield from rows(inner, f"{before}{name}{'[]' if option.each else ''}.")


def default(option: Option) -> str:
    if option.default is REQUIRED:
        return "required"
    if option.default is None:
        return ""
    value = str(option.default).lower() if isinstance(option.default, bool) else option.default
    return f"`{value}`"


if __name__ == "__main__":
    sys.exit(main())
