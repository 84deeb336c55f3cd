# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The lock of a platform as a Lease in its namespace: one release at a time.

A controller that was stopped for longer than the lease lasts, or from which the lock was taken by force, finds
that out before its next write and stops. Times are the API server's, so clocks need not agree.
"""

from __future__ import annotations

import datetime
import typing as t

from ..._common import owner
from ..._common.errors import Conflict, NotFound, ReleaseError, Unavailable
from ..._common.operation import Context
from ..._release.lock import Holder, LockLost
from ..api.port import KubeApi, Object, leases

NAME = "runbook-release"
RELEASE, TAKEN_FROM = "runbook.release/release", "runbook.release/taken-from"
# Long enough to outlast an API server that restarts, short enough to wait for at three in the morning.
SECONDS = 60
# How old, in seconds, what is known of the lock may be at a write.
_MAX_AGE_SECONDS = 1.0
# An API server that takes longer than that age for every answer must not hold a write up for ever.
_ASKS = 3
_STAMP = "%Y-%m-%dT%H:%M:%S.%fZ"


def holder_of(lease: Object | None) -> Holder | None:
    """None when there is no lease, or it was given back. An expired one still has a holder: see ``until``."""
    spec = (lease or {}).get("spec") or {}
    if not lease or not spec.get("holderIdentity"):
        return None
    renewed = datetime.datetime.strptime(spec["renewTime"], _STAMP).replace(tzinfo=datetime.timezone.utc)
    until = renewed.timestamp() + spec.get("leaseDurationSeconds", SECONDS)
    release = (lease["metadata"].get("annotations") or {}).get(RELEASE, "")
    return Holder(spec["holderIdentity"], release, until)


class Lease:
    """The lock of one namespace, for this owner and release."""

    def __init__(self, api: KubeApi, namespace: str, release: str, context: Context) -> None:
        self._api = api
        self._clock = context.clock
        self._namespace = namespace
        self._release = release
        self._path = f"{leases(self._namespace)}/{NAME}"
        self.me = owner.identity(context.controller)
        self._renewed: float | None = None
        self.token: int | None = None

    def take_or_confirm(self, token: int | None, force: bool) -> None:
        if token is None:
            self.take(force)
        else:
            self.token = token
            self.confirm()

    def current_holder(self) -> Holder | None:
        holder = holder_of(self._read())
        return None if holder is None or self._is_over(holder) else holder

    def take(self, force: bool = False) -> str:
        lease = self._read()
        holder = holder_of(lease)
        other = holder if holder and holder.by != self.me else None
        if other and not self._is_over(other) and not force:
            raise self.refusal(other)
        taken = f"{other} ({'forced' if not self._is_over(other) else 'it had ended'})" if other else ""
        self._write(lease, taken, fresh=other is not None or holder is None)
        return taken

    def seconds_left(self, holder: Holder) -> int:
        return max(0, round(holder.until - self._api.time()))

    def refusal(self, other: Holder) -> ReleaseError:
        left = max(1, self.seconds_left(other))
        return ReleaseError(
            f"Another release is under way in namespace {self._namespace}; nothing was changed.",
            why=[
                f"the lock is held by {other}",
                f"it lasts {left} s more if its owner has died, and is renewed as long as it has not",
                "taking it over (force; release_lock_force=true for the playbooks) stops the other run before its next write",
            ],
            then=f"wait for the other run, or find its owner; kubectl -n {self._namespace} get lease {NAME} -o yaml",
        )

    def confirm(self) -> None:
        lease = self._read()
        holder = holder_of(lease)
        if (
            lease is None
            or holder is None
            or holder.by != self.me
            or lease["spec"]["leaseTransitions"] != self.token
        ):
            raise LockLost(
                f"The lock of namespace {self._namespace} was lost; nothing more was written.",
                why=[
                    f"it is held by {holder}"
                    if holder
                    else "another run took it in the meantime, or it was released",
                    f"this run is {self.me}",
                ],
                then=f"kubectl -n {self._namespace} get lease {NAME} -o yaml shows who holds it; when that run has ended, run this release again",
            )
        self._write(lease, "", fresh=False)

    def assert_held(self) -> None:
        # Asked again when the answer was read late: this process may have been suspended in between.
        for _ask in range(_ASKS):
            if self._renewed is not None and self._clock.now() - self._renewed <= _MAX_AGE_SECONDS:
                return
            self.confirm()

    def renew_if_due(self) -> None:
        late = 0.0 if self._renewed is None else self._clock.now() - self._renewed
        if late > SECONDS / 3:
            try:
                self.confirm()
            except Unavailable:
                if late > SECONDS:  # until then nobody else can have taken it, but by force
                    raise

    def give_back(self) -> bool:
        lease = self._read()
        holder = holder_of(lease)
        if lease is None or holder is None or holder.by != self.me:
            return False
        lease["spec"]["holderIdentity"] = ""
        try:
            self._api.put(self._path, lease)
        except Conflict:
            # Our own request, sent again because its answer was lost, meets what it wrote.
            now = holder_of(self._read())
            if now is not None and now.by == self.me:
                raise
        self._renewed = None
        return True

    def _read(self) -> Object | None:
        try:
            return self._api.get(self._path)
        except NotFound:
            return None

    def _is_over(self, holder: Holder) -> bool:
        return holder.until < self._api.time() or owner.is_dead(holder.by)

    def _write(self, lease: Object | None, taken: str, fresh: bool) -> None:
        """Replaces what was read: the API server refuses it (409) when somebody else has written in the meantime."""
        # Taken before the write: this process may be suspended before it has read the answer.
        began = self._clock.now()
        now = datetime.datetime.fromtimestamp(self._api.time(), tz=datetime.timezone.utc).strftime(_STAMP)
        body: Object = lease or {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": NAME},
            "spec": {},
        }
        spec: dict[str, t.Any] = body["spec"]
        annotations: dict[str, str] = body["metadata"].setdefault("annotations", {})
        if fresh:
            spec.update(acquireTime=now, leaseTransitions=spec.get("leaseTransitions", -1) + 1)
            annotations.pop(TAKEN_FROM, None)
        if taken:
            annotations[TAKEN_FROM] = f"{taken} at {now}"
        annotations[RELEASE] = self._release
        self.token = spec["leaseTransitions"]
        spec.update(holderIdentity=self.me, leaseDurationSeconds=SECONDS, renewTime=now)
        try:
            if lease is None:
                self._api.post(leases(self._namespace), body)
            else:
                self._api.put(self._path, body)
        except Conflict as exc:
            # Our own request, sent again because its answer was lost, meets what it wrote.
            live = self._read()
            if (
                live
                and live["spec"].get("holderIdentity") == self.me
                and live["spec"].get("renewTime") == now
            ):
                self._renewed = began
                return
            raise LockLost(
                f"Somebody else took the lock of namespace {self._namespace} at the same moment; nothing was written.",
                why=exc.why,
                then="run this release again",
            ) from exc
        self._renewed = began
