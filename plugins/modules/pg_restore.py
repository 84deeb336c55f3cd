#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_restore
short_description: Restore a PostgreSQL database from a backup
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Restores a backup of M(runbook.release.pg_backup) into a new database and proves that it holds what the backup's snapshot held.
    The live database is not touched.
  - With O(swap=true) the new database then takes the name of the live one, which is kept under another name. Sessions on it are ended;
    both renames are one transaction.
  - A run after a kill finds what the one before had begun, and finishes it.
extends_documentation_fragment:
  - runbook.release._attributes
  - runbook.release._postgresql
  - runbook.release._backup_store
  - runbook.release._aws
  - runbook.release._backup_store.programs
  - runbook.release._backup_store.load
options:
  backup:
    description: Which backup - its id, V(newest) or V(newest_verified).
    type: str
    default: newest_verified
  from_database:
    description: Name of the database whose backup is restored, where it is not O(database).
    type: str
  target:
    description: Name of the new database. When it is not given, C(DATABASE_of_TIME) with the time of the backup.
    type: str
  swap:
    description:
      - Whether the new database takes the place of the live one.
      - What was written to the live one since the backup is then only in the one that is kept.
    type: bool
    default: false
  owners:
    description: Whether owners, privileges and the settings of the database are restored as well; needs the roles of the backup.
    type: bool
    default: true
  globals:
    description: Whether roles and tablespaces of the backup that the server lacks are made first.
    type: bool
    default: false
  lock_wait_timeout:
    description: Seconds to wait for a backup or migration of the live database to end before the swap.
    type: int
    default: 60
seealso:
  - module: runbook.release.pg_backup_info
  - module: runbook.release.pg_restore_drill
"""

EXAMPLES = r"""
- name: Restore the newest verified backup beside the live database
  runbook.release.pg_restore:
    login_host: db.example.com
    login_user: backup
    login_password: "{{ database_password }}"
    database: exchange
    bucket: exchange-backups
    region: eu-central-1
  register: restored

- name: Let it take the place of the live database
  runbook.release.pg_restore:
    login_host: db.example.com
    login_user: backup
    login_password: "{{ database_password }}"
    database: exchange
    backup: "{{ restored.backup.id }}"
    swap: true
    bucket: exchange-backups
    region: eu-central-1
"""

RETURN = r"""
backup:
  description: The backup, as M(runbook.release.pg_backup_info) lists it. Its C(age_seconds) is what is lost (RPO).
  returned: success
  type: dict
  sample: {id: exchange/20261121T020000Z-daily, age_seconds: 21600, verified: true, rto_seconds: 26}
database:
  description: Name of the database that now holds what was restored.
  returned: success
  type: str
  sample: exchange_of_20261121T020000Z
replaced:
  description: Name under which the database that was live before is kept; nothing without O(swap).
  returned: success
  type: str
  sample: exchange_before_20261121T093000Z
rto_seconds:
  description: Seconds that the restore took; nothing when it was there already.
  returned: success
  type: int
  sample: 27
not_restored:
  description: What could not be taken over - roles, privileges or settings of the database. Everything in the database itself is what it was.
  returned: success
  type: list
  elements: str
  sample: ["not taken over: ALTER DATABASE \"exchange\" OWNER TO \"exchange\" (PostgreSQL: role \"exchange\" does not exist (SQLSTATE 42704))"]
"""

from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module
from ansible_collections.runbook.release.plugins.module_utils._postgresql.backup.restore import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
