#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_migrate
short_description: Migrate a PostgreSQL database without freezing what uses it
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Runs the pending migrations of a service, one by one, or takes them back. Plain SQL files are run by the module itself; for other engines
    it runs their own program, which keeps its own table.
  - One run at a time on a database. Others, and backups, wait for the lock or say who holds it.
  - No statement waits longer for a lock than O(lock_timeout), so nothing queues behind it for longer than that. Then it is tried again, with growing pauses,
    within O(retry_window). Only a lock timeout, a deadlock and a serialization failure (SQLSTATE 55P03, 40P01, 40001) are tried again; after a lost
    connection what is applied is read again first. Everything else ends the run, with the name of its class and what to do.
  - Checksums of what was applied are kept in the table C(runbook_release_migrations). An applied file that was edited, one that is missing, and
    a new one with a number below the last applied one are errors before anything changes.
  - A file of plain SQL is one transaction. One with statements that PostgreSQL takes outside a transaction only, such as C(CREATE INDEX CONCURRENTLY),
    or with the line C(-- runbook:no-transaction), is run statement by statement; interrupted, the next run goes on behind the last one that was done,
    and an invalid index that was left behind is dropped and built anew.
  - SQL is read by PostgreSQL's own parser, with the Python package C(pglast); RV(pending[].kind) comes from its parse trees, also for what stands in
    C(DO) blocks and in functions that the same file creates and calls.
    What only C(psql) understands (its commands and variables, rows behind C(COPY ... FROM STDIN)) is refused with its line.
  - In check mode nothing is written, nor is any table made; pending migrations are listed, linted and classified.
requirements:
  - pglast >= 7.0
extends_documentation_fragment:
  - runbook.release._attributes
  - runbook.release._postgresql
options:
  engine:
    description:
      - Whose files these are.
      - V(sql) - files C(NUMBER_NAME.sql) or C(NUMBER_NAME.up.sql) in O(src), each with a C(NUMBER_NAME.down.sql) where there is a way down.
      - V(db_migrate) - the service in O(src), with C(db-migrate) and C(db-migrate-pg) installed in its C(node_modules). Its own configuration is not used.
      - V(sqitch) - the project in O(src), with its C(sqitch.plan).
      - V(flyway) - versioned files C(V1__NAME.sql) in O(src); undo files C(U1__NAME.sql) where the edition of Flyway can undo.
      - V(golang_migrate) - files C(1_NAME.up.sql) and C(1_NAME.down.sql) in O(src).
    type: str
    choices: [sql, db_migrate, sqitch, flyway, golang_migrate]
    default: sql
  src:
    description: Folder of the migrations, or of the service or project that they belong to, on the machine where the task runs.
    type: path
    required: true
  migrations_dir:
    description: For O(engine=db_migrate), the folder of the migrations, in O(src). Defaults to C(migrations).
    type: str
  table:
    description: >-
      The table that the engine itself keeps, where it does not have the engine's usual name. For O(engine=sqitch) the schema of its registry.
      Not used by O(engine=sql).
    type: str
  program:
    description: >-
      Path of the engine's program where it is not in the search path of the task, such as C(/opt/flyway/flyway); for O(engine=db_migrate) of C(node).
      With O(job) it is the path inside the image.
    type: path
  job:
    description:
      - Runs the program of the engine in a Job of Kubernetes that is made from the image of the service. Everything else (lock, checksums, lint, limits,
        attempts) stays where the task runs, which needs the same migrations in O(src) and its own way to the database. For every O(engine) but V(sql).
      - The Job has one try, and the rest of O(timeout) as its deadline. Its environment, with the password, comes from a Secret that the Job owns. Both are
        removed with its end, also when the task is interrupted. A run after C(kill -9) waits for the Job that is there, or ends it, before anything else.
      - In check mode the API server is asked whether it would take the Job and the Secret; that needs the permission to create them.
      - The package C(kubernetes) is needed where the task runs.
    type: dict
    suboptions:
      namespace:
        description: Namespace of the Job.
        type: str
        required: true
      src:
        description: Where O(src) lies inside the image.
        type: str
        required: true
      workload:
        description: >-
          V(wallet), V(deployment/wallet), V(statefulset/ledger), V(daemonset/agent) or V(cronjob/nightly), whose image, environment, volumes and
          service account the Job gets, as with O(runbook.release.kube_job#module:workload).
        type: str
      image:
        description: The image; in the place of the one of the workload where there is one, as before the new release is rolled out.
        type: str
      container:
        description: The container in which the program runs; the first one when it is not given.
        type: str
      env:
        description: Environment variables, added to those of the workload. For secrets there is O(job.env_from).
        type: dict
      env_from:
        description: Secrets and ConfigMaps whose keys become environment variables, beside those of the workload.
        type: list
        elements: dict
        suboptions:
          secret:
            description: Name of a Secret.
            type: str
          config_map:
            description: Name of a ConfigMap.
            type: str
          prefix:
            description: What the names of the variables begin with.
            type: str
      service_account:
        description: Name of the service account that the pod runs as.
        type: str
      resources:
        description: C(requests) and C(limits) of the container.
        type: dict
      login_host:
        description: >-
          Host name or address by which pods reach the database. Defaults to O(login_host), and is needed where that is the machine itself.
          C(~/.pgpass) is not read for pods; E(PGHOST), E(PGPASSWORD) and the like of the task count.
        type: str
      login_port:
        description: The port there. Defaults to O(login_port).
        type: int
      ca_cert:
        description: Path, inside the image, of the certificates that the server's own is checked against. Needed where O(ca_cert) is given.
        type: str
      stuck_after:
        description: Seconds after which a Job is given up that does not start for a reason that may heal.
        type: int
        default: 60
      kubeconfig:
        description:
          - Path of the kubeconfig.
          - When it is not given, E(KUBECONFIG), then C(~/.kube/config), then the service account of the pod that Ansible runs in.
        type: path
      context:
        description: Context of the kubeconfig to use; its current one when it is not given.
        type: str
      api_retry_timeout:
        description: Seconds to go on asking an API server that does not answer, or answers with 429 or 5xx.
        type: int
        default: 8
  release:
    description: The release that the files belong to. O(state=down) takes back what it has applied.
    type: str
    required: true
  state:
    description:
      - What to do.
      - V(up) - run what is pending.
      - V(down) - take back, the last one first, what O(release) has applied, or what O(to) or O(count) says. Needs the files of the release that brought them.
      - V(rehearsed) - run what is pending on the copy O(rehearse_on) for real, take it back there, compare the schema, and run it again. The database
        itself is only read, but for the Job of an earlier run that is brought to its end first, and nothing counts as changed.
      - The copy may be from before what O(release) has applied already, as that of a release that failed and is run again; that is rehearsed with the rest.
      - V(recorded) - write down that the files are applied as they are now, without running them. For a database that was migrated by other means, and for
        an applied file that was edited for good reason.
    type: str
    choices: [up, down, rehearsed, recorded]
    default: up
  to:
    description: Name of the last migration to run or to record; with O(state=down) of the one that stays, while all after it go.
    type: str
  count:
    description:
      - How many to run, or to take back, at most.
      - V(0) runs none. The Job of an earlier run is brought to its end all the same, see O(job).
    type: int
  scope:
    description: Whose migrations these are, where several services with folders of their own share a database. Defaults to the name of the engine.
    type: str
  rehearse_on:
    description: Name of a copy of the database on the same server that nobody needs, such as a backup that was just restored.
    type: str
  lint:
    description:
      - Whether pending SQL is linted with C(squawk) (C(pip install squawk-cli)), which then has to be there.
      - V(block) - findings of the rules in O(lint_block) stop the run, all others are reported. A remark C(-- squawk-ignore RULE) in the file lets one pass.
      - V(report) - all are reported.
      - V(skip) - it is not run.
    type: str
    choices: [block, report, skip]
    default: block
  lint_block:
    description: Rules of squawk whose findings stop the run.
    type: list
    elements: str
    default:
      - adding-foreign-key-constraint
      - adding-not-nullable-field
      - adding-required-field
      - ban-concurrent-index-creation-in-transaction
      - ban-drop-column
      - ban-drop-database
      - ban-drop-table
      - changing-column-type
      - constraint-missing-not-valid
      - renaming-column
      - renaming-table
      - require-concurrent-index-creation
      - require-concurrent-index-deletion
      - syntax-error
  allow_data_loss:
    description: >-
      Whether migrations, or their ways down, may run that drop tables or columns, or delete rows. Make a backup first. What a program does
      (O(engine=db_migrate) with JavaScript) is not seen before a rehearsal; the kind of such a migration is V(unknown), and its way down needs this.
    type: bool
    default: false
  lock_timeout:
    description: >-
      Milliseconds that a statement waits for a lock, and others wait behind it. Does not hold for statements with C(CONCURRENTLY), which wait by design
      and let others work. With engines other than V(sql) it does not hold for the whole of such a migration: give it a file of its own.
    type: int
    default: 500
  statement_timeout:
    description: Milliseconds that a statement may take in a transaction; V(0) for no limit but O(timeout).
    type: int
    default: 60000
  timeout:
    description: >-
      Seconds that everything may take. What still runs then is ended, also on the server (from PostgreSQL 14 on it ends by itself, too, soon after
      the one who wanted it has died).
    type: int
    default: 1800
  retry_window:
    description: >-
      Seconds within which a migration is tried again. Where the program of a O(job) asks another address than this task, and this task's
      own connection lives, it is tried three times only.
    type: int
    default: 300
  lock_wait_timeout:
    description: Seconds to wait for another run that holds the lock of the database.
    type: int
    default: 0
seealso:
  - name: squawk
    description: The rules that it knows.
    link: https://squawkhq.com/docs/rules
"""

EXAMPLES = r"""
- name: Tell what the release would do to the database, and what the way back would be
  runbook.release.pg_migrate:
    login_host: db.example.com
    login_user: release
    login_password: "{{ database_password }}"
    database: exchange
    src: migrations
    release: 2.4.0
  check_mode: true
  register: migrations

- name: Rehearse it on the backup that was just restored
  runbook.release.pg_migrate:
    login_host: db.example.com
    login_user: release
    login_password: "{{ database_password }}"
    database: exchange
    src: migrations
    release: 2.4.0
    state: rehearsed
    rehearse_on: exchange_copy

- name: Migrate
  runbook.release.pg_migrate:
    login_host: db.example.com
    login_user: release
    login_password: "{{ database_password }}"
    database: exchange
    src: migrations
    release: 2.4.0
    retry_window: 600

- name: Migrate with the program that is in the new image of the service, which only pods can run
  runbook.release.pg_migrate:
    login_host: db.example.com
    login_user: release
    login_password: "{{ database_password }}"
    database: exchange
    engine: golang_migrate
    src: wallet/migrations
    release: 2.4.0
    job:
      namespace: exchange
      workload: wallet
      image: registry.example.com/exchange/wallet:2.4.0
      src: /app/migrations

- name: Take back what the release has brought
  runbook.release.pg_migrate:
    login_host: db.example.com
    login_user: release
    login_password: "{{ database_password }}"
    database: exchange
    src: migrations
    release: 2.4.0
    state: down
    allow_data_loss: true
"""

RETURN = r"""
pending:
  description: What is to run, or has been run, in order; nothing with O(state=down).
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the migration, without the ends of its files.
      type: str
    kind:
      description: >-
        V(expand) is not noticed by the release that still runs; V(data) changes rows; V(contract) takes away or changes what it uses; V(irreversible)
        destroys data; V(unknown) is done by a program.
      type: str
    reasons:
      description: Why, each with its line.
      type: list
      elements: str
    reversible:
      description: Whether there is a way down.
      type: bool
    transaction:
      description: Whether it is applied as a whole or not at all.
      type: bool
  sample:
    - name: 20261121093000_limits
      kind: expand
      reasons: []
      reversible: true
      transaction: true
to_revert:
  description: Names of what is to be taken back, or has been, in that order.
  returned: always
  type: list
  elements: str
  sample: []
applied:
  description: What was applied, with its time and the attempts that it took.
  returned: always
  type: list
  elements: dict
  sample:
    - name: 20261121093000_limits
      milliseconds: 12
      attempts: 3
reverted:
  description: What was taken back, in the same form.
  returned: always
  type: list
  elements: dict
  sample: []
way_back:
  description: >-
    How the release before gets back a database that it can run on. V(app_only) - it runs on the new one. V(down) - by O(state=down).
    V(restore) - by a backup alone. Null with other states than V(up) and V(rehearsed). A rehearsal has proven it.
  returned: always
  type: str
  sample: app_only
reasons:
  description: Why nothing less than RV(way_back) will do.
  returned: always
  type: list
  elements: str
  sample: ["20261121095000_rename: line 1: renames what the old release uses"]
findings:
  description: What squawk has found in pending SQL.
  returned: always
  type: list
  elements: dict
  sample:
    - migration: 20261121094000_owner_index
      rule: prefer-robust-stmts
      line: 1
      message: Missing `IF NOT EXISTS`, the migration can't be rerun if it fails part way through.
      blocks: false
invalid_indexes:
  description: Indexes of the database that an interrupted C(CREATE INDEX CONCURRENTLY) left behind, also those that no migration here makes.
  returned: always
  type: list
  elements: str
  sample: []
rehearsal:
  description: What the run on the copy took, and whether each way down led back to the schema before.
  returned: always
  type: list
  elements: dict
  sample:
    - name: 20261121093000_limits
      up_milliseconds: 12
      down_milliseconds: 9
      schema_restored: true
      difference: []
migration:
  description: The one that failed.
  returned: when a migration failed
  type: str
  sample: 20261121093000_limits
sqlstate:
  description: What PostgreSQL said; empty where it said nothing.
  returned: when a migration failed
  type: str
  sample: 55P03
error_class:
  description: Its name, such as V(lock_timeout), V(unique_violation), V(already_exists), V(timeout).
  returned: when a migration failed
  type: str
  sample: lock_timeout
reaction:
  description: What was done about it. V(retry) and V(reconnect) were given up at the end of O(retry_window); V(stop) is never tried again.
  returned: when a migration failed
  type: str
  sample: retry
"""

from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.run import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
