# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The fields that a release may set: a new one is a file beside this and a line here."""

from __future__ import annotations

from .base import Field
from .env import Env
from .images import Images
from .resources import Resources
from .spec import Paused, Replicas, UpdateStrategy
from .template import Config, Template

FIELDS: dict[str, Field] = {
    field.key: field
    for field in (
        Images(),
        Env(),
        Resources(),
        Replicas(),
        UpdateStrategy(),
        Paused(),
        Config(),
        Template(),
    )
}
