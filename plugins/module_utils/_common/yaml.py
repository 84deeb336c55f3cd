# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Reads a file of YAML, which JSON is, too. PyYAML comes
with ansible-core and with the package ``kubernetes``.
"""

from __future__ import annotations

import typing as t

from .errors import InputError, ReleaseError

try:
    import yaml

    HAS_YAML = True
except ImportError:
    HAS_YAML = False


def load(path: str, option: str) -> t.Any:
    """
    :param option: what the user calls it.
    """
    if not HAS_YAML:
        raise ReleaseError(
            "The Python package 'PyYAML' is missing where this task runs.",
            then="pip install PyYAML for the Python that runs this task",
        )
    try:
        with open(path, encoding="utf-8") as file:
            return yaml.safe_load(file)
    except OSError as exc:
        raise InputError(
            f"{option}: found {path}, which cannot be read ({exc.strerror}); allowed: a file that is here"
        ) from exc
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise InputError(f"{option}: found {path}, which is not valid YAML", why=[str(exc)]) from exc
