#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_health_info
short_description: Tell whether a PostgreSQL server is well, and the data in it as expected
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Reads the server's own views, says what is wrong and why, and asks O(queries) of the user about the data.
  - Never fails because of what it finds, nor because the server does not answer or hides something; see RV(healthy), RV(reasons) and RV(unknown).
    It fails when the options are wrong, such as the password or the SQL of a query.
  - Everything runs in a session that is read-only. A query is rolled back as well.
extends_documentation_fragment:
  - runbook.release._attributes.info
  - runbook.release._postgresql
  - runbook.release._postgresql.queries
options:
  checks:
    description:
      - What to check. A role that is a member of C(pg_monitor) sees everything; what is hidden from the role is listed in RV(unknown).
      - V(connections) - how many are in use, of the server's limit and of those of databases and roles.
      - V(transactions) - those that are open for long, and prepared ones that nobody ends.
      - V(locks) - who has waited for a lock, for how long, and who holds it.
      - V(replication) - how far standbys are behind, or this server when it is one, and whether anybody receives.
      - V(slots) - replication slots that retain much WAL, or have lost it.
      - V(wal) - the size of C(pg_wal).
      - V(archiver) - whether C(archive_command) fails.
      - V(indexes) - invalid ones of the database.
      - V(tables) - size of the database and its largest tables; gives no reasons.
      - V(wraparound) - databases that come near to the end of transaction ids.
      - V(disk) - free space of the data directory. Works only where the task runs on the server's own host.
    type: list
    elements: str
    choices: [connections, transactions, locks, replication, slots, wal, archiver, indexes, tables, wraparound, disk]
    default: [connections, transactions, locks, replication, slots, wal, archiver, indexes, tables, wraparound]
  connections_percent:
    description: From how many percent of a limit in use on connections are a reason.
    type: int
    default: 80
  active_connections:
    description: How many connections may be active at the same time. Not checked when it is not given.
    type: int
  transaction_age:
    description: From how many seconds on an open transaction is a reason. Such a one holds up DDL and C(CREATE INDEX CONCURRENTLY).
    type: int
    default: 300
  idle_in_transaction:
    description: From how many seconds on a session that is C(idle in transaction) is a reason.
    type: int
    default: 60
  blocked_for:
    description: From how many seconds on waiting for a lock is a reason.
    type: int
    default: 5
  standbys:
    description: How many standbys have to be streaming.
    type: int
    default: 0
  replication_lag:
    description: From how many seconds on a standby is behind.
    type: int
    default: 30
  replication_lag_bytes:
    description: From how many bytes of WAL on a standby is behind.
    type: int
    default: 268435456
  slot_bytes:
    description: From how many bytes of retained WAL on a replication slot is a reason.
    type: int
    default: 1073741824
  wal_bytes:
    description: From how many bytes on C(pg_wal) is too large. Twice C(max_wal_size) and C(wal_keep_size) when it is not given.
    type: int
  wraparound_percent:
    description: From how many percent of the transaction ids used up on a database is a reason.
    type: int
    default: 50
  disk_free_percent:
    description: How many percent of the data directory's disk have to be free.
    type: int
    default: 10
  largest_tables:
    description: How many of the largest tables are returned.
    type: int
    default: 10
seealso:
  - module: runbook.release.redis_health_info
  - module: runbook.release.service_info
"""

EXAMPLES = r"""
- name: Check the database before the release
  runbook.release.pg_health_info:
    login_host: db-primary.example.com
    login_user: release
    login_password: "{{ database_password }}"
    database: exchange
    queries:
      - name: orders of the last hour
        sql: SELECT count(*) FROM orders WHERE created_at > now() - interval '1 hour'
        min: 1
      - name: users
        sql: SELECT count(*) FROM users
  register: before

- name: Stop when something is not well
  ansible.builtin.assert:
    that: before.healthy
    fail_msg: "{{ before.reasons | join('\n') }}"

- name: Look again after the release, and at what became of the data
  runbook.release.pg_health_info:
    login_host: db-primary.example.com
    login_user: release
    login_password: "{{ database_password }}"
    database: exchange
    before: "{{ before }}"
    queries:
      - name: orders of the last hour
        sql: SELECT count(*) FROM orders WHERE created_at > now() - interval '1 hour'
        max_drop_percent: 50
      - name: users
        sql: SELECT count(*) FROM users
        max_drop_percent: 0
"""

RETURN = r"""
healthy:
  description: Whether there are no RV(reasons).
  returned: success
  type: bool
  sample: false
reasons:
  description: What is wrong, each beginning with the name of the object. Statements are shown without the texts in them.
  returned: success
  type: list
  elements: str
  sample:
    - "orders: backend 4711 (migrate, exchange) has waited 12 s for AccessExclusiveLock, blocked by backend 4690 (psql, ana), idle in transaction,
      transaction open for 310 s: SELECT * FROM orders"
    - "users: fell from 1000 to 990 (1 %), at most 0 % allowed"
verdict:
  description: V(pass), V(fail), or V(no_data) where nothing fails and something could not be checked.
  returned: success
  type: str
  sample: fail
findings:
  description: RV(reasons) in parts - the object that each is about, and what is wrong.
  returned: success
  type: list
  elements: dict
  sample: [{about: memory, text: "97 % of maxmemory, and the policy is noeviction: writes fail when it is full"}]
new_reasons:
  description: RV(reasons) about objects that nothing was wrong with in O(before).
  returned: when O(before) is given
  type: list
  elements: str
  sample: []
unknown:
  description: Checks and queries that could not be made, or only in part, and why. They are neither healthy nor unhealthy.
  returned: success
  type: dict
  sample: {wal: "PostgreSQL: permission denied for function pg_ls_waldir (SQLSTATE 42501)"}
found:
  description: What was found, by check; compared by O(before) of a later run. Empty when the server does not answer.
  returned: success
  type: dict
  contains:
    server:
      description: Which server answered, and as whom.
      returned: when the server answers
      type: dict
      sample: {version: "15.18", standby: false, database: exchange, role: release, up_seconds: 86400}
    connections:
      description: Connections of clients; C(usable) is the limit without what is reserved for superusers.
      returned: with that check
      type: dict
      sample: {used: 42, active: 3, idle_in_transaction: 1, usable: 97, limits: [{of: role exchange, used: 30, usable: 50}]}
    transactions:
      description: Open transactions, the oldest first, and prepared ones.
      returned: with that check
      type: dict
      sample:
        open:
          - pid: 4690
            database: exchange
            role: ana
            application: psql
            address: 10.0.0.7
            state: idle in transaction
            seconds: 310.2
            state_seconds: 305.0
            query: SELECT * FROM orders
        prepared: []
    locks:
      description: Backends that wait for a lock, the longest first, and who holds it.
      returned: with that check
      type: list
      elements: dict
      sample: []
    replication:
      description: The standbys of a primary, or how far a standby is behind.
      returned: with that check
      type: dict
      sample:
        role: primary
        synchronous: ""
        standbys: [{name: replica-1, address: 10.0.0.8, state: streaming, sync_state: async, lag_seconds: 0.1, lag_bytes: 0}]
    slots:
      description: Replication slots.
      returned: with that check
      type: list
      elements: dict
      sample: [{name: replica_1, type: physical, active: true, wal_status: reserved, retained_bytes: 0}]
    wal:
      description: Size of pg_wal.
      returned: with that check
      type: dict
      sample: {files: 15, bytes: 251658240, max_wal_size: 1073741824, wal_keep_size: 0}
    archiver:
      description: What became of archiving.
      returned: with that check
      type: dict
      sample:
        mode: "on"
        archived: 812
        failed: 0
        failing: false
        last_archived: "00000001000000000000004A"
        last_archived_seconds: 31
        last_failed: ""
    indexes:
      description: Invalid indexes; C(in_progress) when one is being built.
      returned: with that check
      type: list
      elements: dict
      sample: [{name: orders_user, table: orders, in_progress: false}]
    tables:
      description: Size of the database and its largest tables, indexes and TOAST included.
      returned: with that check
      type: dict
      sample: {database_bytes: 1210056704, largest: [{name: orders, bytes: 612368384, rows_estimated: 2000000, rows_dead: 120}]}
    wraparound:
      description: Used-up transaction ids of each database.
      returned: with that check
      type: list
      elements: dict
      sample: [{database: exchange, percent: 9.1}]
    disk:
      description: The disk of the data directory.
      returned: with that check, on the server's own host
      type: dict
      sample: {path: /var/lib/postgresql/15/main, free_bytes: 72067395584, total_bytes: 270553174016, free_percent: 26.6}
    queries:
      description: The answers to O(queries).
      returned: with queries
      type: dict
      sample: {orders of the last hour: 1284, users: 990}
"""

from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module
from ansible_collections.runbook.release.plugins.module_utils._postgresql.health.health import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
