#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_restore_drill
short_description: Prove a backup by restoring it
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Restores a backup of M(runbook.release.pg_backup) into a scratch database of its own, holds rows and content of every table and the number
    of objects against the backup's snapshot, finds invalid indexes, and measures the time.
  - A backup that passes is marked as verified. One that does not is an error that names every difference.
  - The scratch database is always dropped, also one that was left by a drill that was killed.
  - The server may be another than the one that was backed up; needs a user that may create databases.
extends_documentation_fragment:
  - runbook.release._attributes
  - runbook.release._postgresql
  - runbook.release._backup_store
  - runbook.release._aws
  - runbook.release._backup_store.programs
  - runbook.release._backup_store.load
options:
  backup:
    description: Which backup of O(database) - its id, V(newest) or V(newest_verified).
    type: str
    default: newest
  state:
    description: V(present) drills. V(absent) drops the O(scratch) database that an earlier drill has kept.
    type: str
    choices: [present, absent]
    default: present
  keep:
    description:
      - Seconds for which the scratch database stays for others to use, such as the rehearsal of a migration. Later drills of the database drop it after that.
      - With V(0) it is dropped at once.
    type: int
    default: 0
  scratch:
    description: Name of the scratch database that is to go when O(state=absent).
    type: str
  reuse_within:
    description: Seconds for which a backup that is verified is not drilled again. With V(0) every run drills.
    type: int
    default: 0
seealso:
  - module: runbook.release.pg_backup
  - module: runbook.release.pg_restore
"""

EXAMPLES = r"""
- name: Prove the newest backup
  runbook.release.pg_restore_drill:
    login_host: db.example.com
    login_user: backup
    login_password: "{{ database_password }}"
    database: exchange
    bucket: exchange-backups
    region: eu-central-1
  register: drill

- name: Tell how long a restore takes
  ansible.builtin.debug:
    msg: "{{ drill.backup.id }} is restored in {{ drill.rto_seconds }} s"
"""

RETURN = r"""
backup:
  description: The backup, as M(runbook.release.pg_backup_info) lists it.
  returned: success
  type: dict
  sample: {id: exchange/20261121T020000Z-daily, age_seconds: 21600, verified: true, rto_seconds: 26}
rto_seconds:
  description: Seconds from the first byte read to a database with statistics; the time a real restore would take at least.
  returned: success
  type: int
  sample: 26
scratch:
  description: Name of the scratch database while O(keep) lasts; nothing when it was dropped.
  returned: success
  type: str
  sample: exchange_drill_1f3a5c7e
"""

from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module
from ansible_collections.runbook.release.plugins.module_utils._postgresql.backup.drill import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
