#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_backup_info
short_description: List the backups of PostgreSQL databases
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Lists what M(runbook.release.pg_backup) has stored, the newest first, and which of it a restore has proven.
  - Never fails because of what it finds; check RV(healthy) and RV(reasons).
extends_documentation_fragment:
  - runbook.release._attributes.info
  - runbook.release._backup_store
  - runbook.release._aws
options:
  database:
    description: Name of the database; all when it is not given.
    type: str
  kind:
    description: Only backups of this kind.
    type: str
  release:
    description: Only backups of this release.
    type: str
  verified_within:
    description: How old, in seconds, the newest verified backup may be. An older one, or none, is a reason.
    type: int
notes:
  - Runs inside the Ansible controller when the connection of the host is local and C(become) is not used.
seealso:
  - module: runbook.release.pg_backup
"""

EXAMPLES = r"""
- name: Ask for a verified backup of today
  runbook.release.pg_backup_info:
    bucket: exchange-backups
    region: eu-central-1
    database: exchange
    verified_within: 86400
  register: backups

- name: Stop when there is none
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
  description: What is wrong - damaged backups, and a verified one that is too old or missing.
  returned: success
  type: list
  elements: str
  sample: ["exchange/20261119T020000Z-daily: the newest verified backup is 180000 s old, allowed are 86400 s"]
backups:
  description:
    - The backups, the newest first.
    - C(verified) is true when a restore has proven it and nothing of it was written since. C(damage) is what the listing already tells to be wrong.
  returned: success
  type: list
  elements: dict
  sample:
    - id: exchange/20261121T020000Z-daily
      database: exchange
      kind: daily
      release: null
      taken_at: "2026-11-21T02:00:00Z"
      age_seconds: 21600
      bytes: 239412345
      database_bytes: 1154000000
      tables: 14
      rows: 6200000
      server_version: "15.18"
      source: backup@db.example.com/exchange
      encryption: age
      verified: true
      verified_at: "2026-11-21T02:04:00Z"
      rto_seconds: 26
      damage: []
newest:
  description: The newest that is not damaged, or nothing.
  returned: success
  type: dict
  sample: {id: exchange/20261121T020000Z-daily, age_seconds: 21600, verified: true}
newest_verified:
  description: The newest that is verified, or nothing.
  returned: success
  type: dict
  sample: {id: exchange/20261121T020000Z-daily, age_seconds: 21600, verified: true}
"""

from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module
from ansible_collections.runbook.release.plugins.module_utils._postgresql.backup.info import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
