# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two tiers of the integration tests: a case is in exactly one of them.

`make test` runs each behaviour once, in its cheapest true form. What repeats a behaviour that one of those shows (a
further fault, engine, kind of interruption or workload, a long loop) is marked soak, and `make soak` runs it.
"""

from __future__ import annotations

import typing as t

import pytest

MARK = "soak"
DESCRIPTION = (
    "it repeats, in a longer or a further form, what a test of `make test` shows: `make soak` runs it"
)


def soak(*values: t.Any) -> t.Any:
    """A case of a parametrized test that `make soak` runs."""
    return pytest.param(*values, marks=pytest.mark.soak)


def split(names: t.Iterable[str], in_test: t.Container[str]) -> list[t.Any]:
    """Cases by their names: those of `make test` as they are, all others for `make soak`."""
    return [name if name in in_test else soak(name) for name in names]
