# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Mirrors OPTIONS of plugins/module_utils/_gate/http_client.py.
    DOCUMENTATION = r"""
options:
  request_timeout:
    description: Seconds to wait for one answer.
    type: int
    default: 10
  validate_certs:
    description: Whether the certificate of an https address has to be valid.
    type: bool
    default: true
"""
