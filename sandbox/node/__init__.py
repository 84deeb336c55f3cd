# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The machine's side: namespaces, processes, the node they make, and what starts and ends them."""
