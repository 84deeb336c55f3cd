# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The servers of data are not in the cluster."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def cluster_access() -> None:
    """Tests that want the cluster for themselves need not wait for these, nor these for them."""
