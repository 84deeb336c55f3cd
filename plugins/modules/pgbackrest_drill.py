#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pgbackrest_drill
short_description: Prove a physical backup of pgBackRest by restoring it to a point in time
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Restores the whole cluster into a folder of its own beside the original, starts it on a private socket, opens every database, asks
    O(queries), takes the time, and stops and removes it.
  - The copy is cut off from what the original is connected with. It does not archive, follow no publication, listens on no address and loads
    no library such as C(pg_cron). Its tablespaces are in the folder as well.
  - A backup that passes is annotated as verified in the repository. What does not restore, what is missing in the WAL, and an answer that is
    not as expected is an error.
  - What a drill that was killed has left is ended and removed by the next one.
extends_documentation_fragment:
  - runbook.release._attributes
  - runbook.release._pgbackrest
  - runbook.release._pgbackrest.wal
  - runbook.release._postgresql.queries
options:
  directory:
    description: A folder on a disk with room for the whole cluster. Every user has to be able to enter it.
    type: path
    required: true
  set:
    description: Label of the backup; the newest one, or that of the restore point, when it is not given.
    type: str
  target_type:
    description:
      - Where recovery ends - V(default) at the end of the archive, V(immediate) as soon as the backup is consistent, V(name) at the restore point
        O(target), V(time) and V(lsn) where O(target) says.
    type: str
    choices: [default, immediate, name, time, lsn]
    default: default
  target:
    description: Name of a restore point such as V(pre_2.4.0), a time such as V(2026-11-21 10:00:00+00), or a position in the WAL.
    type: str
  pg_bin:
    description: Folder of the programs of a PostgreSQL server of the cluster's version; found by itself where packages of Debian or Red Hat put it.
    type: path
  settings:
    description: Further settings of the copy, such as C(shared_buffers), or C(shared_preload_libraries) where an extension needs its own.
    type: dict
    default: {}
  jobs:
    description: How many processes restore; as in pgBackRest's configuration when it is not given.
    type: int
  timeout:
    description: Seconds that the copy may take from its start to the end of recovery.
    type: int
    default: 3600
  login_user:
    description: A superuser of the cluster, whom the copy lets in.
    type: str
    default: postgres
  database:
    description: The database that O(queries) ask.
    type: str
    default: postgres
  reuse_within:
    description: Seconds for which a backup that is verified is not drilled again. With V(0) every run drills.
    type: int
    default: 0
requirements:
  - psycopg >= 3.1
  - Linux, and the programs of the PostgreSQL server
seealso:
  - module: runbook.release.pgbackrest_backup
  - module: runbook.release.pgbackrest_info
  - module: runbook.release.pg_restore_drill
"""

EXAMPLES = r"""
- name: Prove that the point before the release can be reached
  runbook.release.pgbackrest_drill:
    stanza: exchange
    directory: /var/tmp
    target_type: name
    target: pre_2.4.0
    database: exchange
    queries:
      - name: users
        sql: SELECT count(*) FROM users
        min: 1
  register: drill
  become: true
"""

RETURN = r"""
backup:
  description: The backup, as M(runbook.release.pgbackrest_info) lists it.
  returned: success
  type: dict
  sample: {label: 20261121-020000F_20261121-100000D, verified: "2026-11-21T10:04:00Z", rto_seconds: 310}
rto_seconds:
  description: Seconds from the beginning of the restore to a server that has recovered and lets users in; a real restore takes that at least.
  returned: success
  type: int
  sample: 310
recovered_to:
  description: The position in the WAL at which recovery ended.
  returned: when it drilled
  type: str
  sample: 0/40286B0
found:
  description: Size of every database of the copy, and the answers to O(queries).
  returned: success
  type: dict
  sample: {databases: {exchange: 1210056704, postgres: 7634279}, queries: {users: 990}}
"""

from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module
from ansible_collections.runbook.release.plugins.module_utils._postgresql.pgbackrest.drill import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
