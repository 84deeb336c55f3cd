#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pgbackrest_info
short_description: Tell whether the physical backups of pgBackRest are good
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Lists the backups of a stanza, and checks that they are recent enough, and that all WAL is there that a restore needs.
  - C(pgbackrest verify) says nothing of WAL that is missing after the last backup. This does.
  - Never fails because of what it finds; check RV(healthy) and RV(reasons).
extends_documentation_fragment:
  - runbook.release._attributes.info
  - runbook.release._pgbackrest
  - runbook.release._pgbackrest.wal
options:
  max_age:
    description: How many seconds old the newest backup may be.
    type: int
    default: 90000
  max_full_age:
    description: How many seconds old the newest full backup may be. Not checked when it is not given.
    type: int
  verified_within:
    description: How many seconds old the newest backup may be that M(runbook.release.pgbackrest_drill) has proven. Not checked when it is not given.
    type: int
  wal_age:
    description: How many seconds ago the last WAL may have come. Only where the server always has something to write. Not checked when it is not given.
    type: int
  verify:
    description: Whether to run C(pgbackrest verify) as well, which reads the whole repository.
    type: bool
    default: false
seealso:
  - module: runbook.release.pgbackrest_backup
  - module: runbook.release.pgbackrest_drill
"""

EXAMPLES = r"""
- name: Look at the backups
  runbook.release.pgbackrest_info:
    stanza: exchange
    max_age: 7200
    max_full_age: 90000
  register: backups
  become: true

- name: Stop when they are not good
  ansible.builtin.assert:
    that: backups.healthy
    fail_msg: "{{ backups.reasons | join('\n') }}"
"""

RETURN = r"""
healthy:
  description: Whether there are no RV(reasons).
  returned: success
  type: bool
  sample: false
reasons:
  description: What is wrong.
  returned: success
  type: list
  elements: str
  sample: ["WAL 00000001000000000000000A is missing: no later point can be reached from 20261121-020000F; take a backup now"]
backups:
  description: The backups, the oldest first; what C(pgbackrest_drill) has proven has C(verified) and C(rto_seconds).
  returned: success
  type: list
  elements: dict
  sample:
    - label: 20261121-020000F
      type: full
      ended: "2026-11-21T02:04:10Z"
      age_seconds: 28800
      seconds: 250
      size: 48318382080
      stored: 9663676416
      error: false
      wal_start: "000000010000000000000002"
      wal_stop: "000000010000000000000003"
      release: null
      restore_point: null
      verified: "2026-11-21T03:00:00Z"
      rto_seconds: 310
running:
  description: Whether a backup is being taken now.
  returned: success
  type: bool
  sample: false
wal:
  description: The WAL in the repository. A gap before the newest backup is no reason; no point within it can be reached.
  returned: success
  type: dict
  sample:
    segments: 812
    first: "000000010000000000000001"
    last: "00000001000000030000002C"
    last_age_seconds: 41
    gaps: []
"""

from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module
from ansible_collections.runbook.release.plugins.module_utils._postgresql.pgbackrest.info import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
