#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_lock
short_description: Take or give back the lock of a platform
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - One release at a time - the lock is the Lease C(runbook-release) in the namespace of the platform, with its holder, the release and an expiry.
  - M(runbook.release.kube_rollout) and M(runbook.release.kube_rollback) take and renew it by themselves. This module is for manual
    steps that no release may come in between of, and for taking a lock over.
  - A lock that has expired, or whose owner ran on this machine and has ended, is taken over without O(force). What it was taken from is kept
    on the Lease.
extends_documentation_fragment:
  - runbook.release._attributes
  - runbook.release._kubernetes
attributes:
  diff_mode:
    support: none
options:
  release:
    description: The release that the lock is for.
    type: str
    required: true
  state:
    description: V(present) takes the lock, or renews it for another 60 seconds when this run holds it already; V(absent) gives it back.
    type: str
    choices: [present, absent]
    default: present
  own_only:
    description: Whether a lock that another run holds is left alone without an error, as at the end of a run that has lost it.
    type: bool
    default: false
  force:
    description: Whether to take the lock from another run that is still alive. That run stops before its next write.
    type: bool
    default: false
seealso:
  - module: runbook.release.release_lock_info
"""

EXAMPLES = r"""
- name: Keep releases out while the certificates are changed
  runbook.release.release_lock:
    namespace: exchange
    release: certificates-2026

- name: Let them in again
  runbook.release.release_lock:
    namespace: exchange
    release: certificates-2026
    state: absent
"""

RETURN = r"""
held:
  description: Whether anybody holds the lock now.
  returned: success
  type: bool
  sample: true
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
  sample: 60
taken_from:
  description: Whom it was taken from and why that was possible; empty when it was free.
  returned: success
  type: str
  sample: deploy@runner-3 pid 77 since 918200, for release 2.3.9 (it had ended)
"""

from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.release_state.lock_operations import (
    LOCK,
)


def main() -> None:
    run_module(LOCK)


if __name__ == "__main__":
    main()
