# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # What holds for every module of the collection.
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    support: full
  action_group:
    description:
      - Use C(group/runbook.release.release) in C(module_defaults) to set defaults for this module. Modules that share options have groups of
        their own, too, such as C(group/runbook.release.kubernetes).
    support: full
    membership:
      - runbook.release.release
"""

    # A module that only reads: nothing to show as a difference.
    INFO = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    support: N/A
  action_group:
    description:
      - Use C(group/runbook.release.release) in C(module_defaults) to set defaults for this module. Modules that share options have groups of
        their own, too, such as C(group/runbook.release.kubernetes).
    support: full
    membership:
      - runbook.release.release
"""
