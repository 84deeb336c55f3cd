# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The program that runs one migration of db-migrate, in JavaScript: its programmatic interface reports what its command
line hides (SQLSTATE, name).
"""

from __future__ import annotations

# Run by node in the folder of the service. Everything secret comes by libpq's environment
# variables. "overwrite" is the only part of db-migrate's configuration that neither
# DATABASE_URL nor the .env file of the service can change.
SOURCE = """
const given = JSON.parse(process.env.RUNBOOK_MIGRATION), fs = require('fs'), ran = [];
const answer = (result) => {
  fs.writeSync(1, '\\n' + given.mark + JSON.stringify(result) + '\\n');
  process.exit(result.error ? 1 : 0);
};
const fail = (error) => {
  const inner = (error && error.cause) || error || {};
  const known = ['code', 'detail', 'hint', 'table', 'column', 'constraint', 'where'];
  const details = {message: String(inner.message || inner)};
  for (const key of known) if (inner[key]) details[key] = String(inner[key]);
  answer({error: details});
};
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
process.on('exit', (code) => { if (!code && !process.exitCode && !global.answered) process.exitCode = 3; });
const e = process.env, mode = e.PGSSLMODE;
const connection = {driver: 'pg', host: e.PGHOST, port: e.PGPORT, user: e.PGUSER, password: e.PGPASSWORD, database: e.PGDATABASE};
if (mode === 'require') connection.ssl = {rejectUnauthorized: false};
else if (mode && mode.startsWith('verify')) connection.ssl = {sslmode: mode, sslrootcert: e.PGSSLROOTCERT};
for (const key of Object.keys(connection)) if (connection[key] === undefined) delete connection[key];
try {
  const load = require('module').createRequire(process.cwd() + '/');
  const instance = load('db-migrate').getInstance(true, {
    cwd: process.cwd(), env: 'runbook', throwUncatched: true,
    config: {runbook: {driver: 'pg', overwrite: connection}},
    cmdOptions: {'migrations-dir': given.folder, table: given.table, 'non-transactional': given.alone, count: 1},
  });
  instance.silence(true);
  if (given.record) {
    const client = require('module').createRequire(load.resolve('db-migrate-pg'))('pg').Client.prototype, query = client.query;
    client.query = function (what) { ran.push(String((what && what.text) || what)); return query.apply(this, arguments); };
  }
  (given.direction === 'up' ? instance.up(given.name) : instance.down(1)).then(() => { global.answered = true; answer({ran}); }, fail);
} catch (error) { fail(error); }
"""
