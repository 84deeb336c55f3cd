// Copyright: (c) 2026, runbook.release contributors
// SPDX-License-Identifier: GPL-3.0-or-later
'use strict';

exports.setup = function () {};

exports.up = function (db) {
  return db.addColumn('wallet', 'daily_limit', { type: 'bigint' });
};

exports.down = function (db) {
  return db.removeColumn('wallet', 'daily_limit');
};

exports._meta = { version: 1 };
