-- Copyright: (c) 2026, runbook.release contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
CREATE TABLE wallet (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner text NOT NULL);
