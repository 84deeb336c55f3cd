#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_lock_info
short_description: Tell who holds the lock of a platform
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Reads the Lease C(runbook-release) in the namespace of the platform.
  - A lock that has expired, or whose owner ran on this machine and has ended, counts as free.
extends_documentation_fragment:
  - runbook.release._attributes.info
  - runbook.release._kubernetes
seealso:
  - module: runbook.release.release_lock
"""

EXAMPLES = r"""
- name: Look whether a release is under way
  runbook.release.release_lock_info:
    namespace: exchange
  register: lock
"""

RETURN = r"""
held:
  description: Whether anybody holds the lock now.
  returned: success
  type: bool
  sample: true
mine:
  description: Whether this very run of Ansible holds it.
  returned: success
  type: bool
  sample: false
holder:
  description: Who holds it; empty when nobody does.
  returned: success
  type: str
  sample: deploy@runner-7 pid 4242 since 918273
release:
  description: The release that it is held for.
  returned: success
  type: str
  sample: 2.4.0
seconds_left:
  description: Seconds until it expires unless it is renewed.
  returned: success
  type: int
  sample: 41
"""

from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.release_state.lock_operations import (
    LOCK_INFO,
)


def main() -> None:
    run_module(LOCK_INFO)


if __name__ == "__main__":
    main()
