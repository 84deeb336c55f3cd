# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A constant rate of requests through the ingress, and what became of each: the proof of "nothing was lost"."""

from __future__ import annotations

import datetime
import json
import os
import signal
import subprocess
import tempfile
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import health
from sandbox.demo.demo_services import SERVICES, VERSIONS
from sandbox.errors import SandboxError
from sandbox.node import procfs
from sandbox.settings import SOURCES

FOREVER = 24 * 3600


@dataclass(frozen=True)
class Target:
    """Where requests go, and what a command has to be wrapped in to get there."""

    url: str
    wrapper: t.Sequence[str] = ()


@dataclass
class Load:
    """One run of k6 in the background."""

    k6: str
    target: Target
    rate: int = 200
    seconds: int = FOREVER
    versions: t.Iterable[str] = VERSIONS
    _folder: tempfile.TemporaryDirectory[str] = field(
        default_factory=lambda: tempfile.TemporaryDirectory(prefix="runbook-load-")
    )
    _process: subprocess.Popen[bytes] | None = None
    _began: float = 0.0

    @property
    def _raw(self) -> Path:
        return Path(self._folder.name) / "summary.json"

    @property
    def _errors(self) -> Path:
        return Path(self._folder.name) / "errors.log"

    @property
    def _log(self) -> Path:
        return Path(self._folder.name) / "k6.log"

    def start(self, state: Path) -> None:
        expected = ",".join(f"{service}/{version}" for service in SERVICES for version in self.versions)
        environment = {
            **os.environ, procfs.MARK: str(state), "TARGET_URL": self.target.url, "RATE": str(self.rate), "SECONDS": str(self.seconds),
            "EXPECTED": expected, "OUT": str(self._raw), "K6_NO_USAGE_REPORT": "true", "NO_PROXY": "*",
        }  # fmt: skip
        command = [
            *self.target.wrapper,
            self.k6,
            "run",
            "--quiet",
            "--no-color",
            "--address",
            "",
            "--console-output",
            str(self._errors),
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, str(SOURCES / "load" / "exchange.js")], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                # A Ctrl-C at the terminal is for the command that started
                # this: it stops the load in its own time.
                start_new_session=True,
            )  # fmt: skip
        self._began = time.monotonic()

    def stop(self) -> dict[str, t.Any]:
        """Ends it now; the requests under way at this moment are not counted."""
        self.interrupt()
        return self.result()

    def interrupt(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    def result(self) -> dict[str, t.Any]:
        """Waits for the end and tells what was seen."""
        if self._process is None:
            raise SandboxError("This load was never started.")
        self._process.wait()
        lasted = time.monotonic() - self._began
        if not self._raw.exists():
            raise SandboxError(
                f"The load generator ended without a result. It said:\n{health.last_lines(self._log, 12)}"
            )
        errors = self._errors.read_text(errors="replace") if self._errors.exists() else ""
        found = summarise(json.loads(self._raw.read_text()), errors)
        if not found["sent"]:
            raise SandboxError(
                f"No request could be sent to {self.target.url}. The load generator said:\n{health.last_lines(self._log, 6)}"
            )
        self._folder.cleanup()
        return {"rate": self.rate, "seconds": round(lasted, 1), **found}


def summarise(raw: dict[str, t.Any], errors: str = "") -> dict[str, t.Any]:
    """k6's own summary, reduced to what a release is judged by."""
    metrics = raw["metrics"]

    def value(metric: str, statistic: str) -> t.Any:
        return metrics.get(metric, {}).get("values", {}).get(statistic)

    def moment(statistic: str) -> str | None:
        milliseconds = value("load_failed_at", statistic)
        return milliseconds and datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC).isoformat(
            timespec="milliseconds"
        )

    answers: dict[str, dict[str, int]] = {}
    for name, metric in metrics.items():
        served, count = (
            name.removeprefix("load_answers{served:").removesuffix("}"),
            metric.get("values", {}).get("count"),
        )
        if name.startswith("load_answers{") and count:
            service, _, version = served.partition("/")
            answers.setdefault(service, {})[version or "unknown"] = int(count)
    versions: dict[str, int] = {}
    for counts in answers.values():
        for version, count in counts.items():
            versions[version] = versions.get(version, 0) + count
    failed = int(value("load_failed", "count") or 0)
    statistics = {"p50": "med", "p95": "p(95)", "p99": "p(99)", "max": "max"}
    return {
        "sent": int(value("load_sent", "count") or 0),
        "failed": failed,
        "dropped_iterations": int(value("dropped_iterations", "count") or 0),
        "latency_ms": {
            name: round(value("load_latency", statistic) or 0.0, 1) for name, statistic in statistics.items()
        },
        "answers": answers,
        "versions": versions,
        "first_failure": moment("min") if failed else None,
        "last_failure": moment("max") if failed else None,
        "samples": _samples(errors),
    }


def _samples(errors: str, count: int = 5) -> list[dict[str, t.Any]]:
    samples = []
    for line in errors.splitlines():
        start = line.find("{")
        if start < 0:
            continue
        text = line[start : line.rfind("}") + 1]
        try:
            # In k6's own log format the message is a quoted string.
            samples.append(json.loads(text if not text.startswith('{\\"') else json.loads(f'"{text}"')))
        except ValueError:
            continue
        if len(samples) == count:
            break
    return samples


def tell(summary: dict[str, t.Any]) -> str:
    latency = summary["latency_ms"]
    text = (
        f"{summary['sent']} requests sent, {summary['failed']} failed, {summary['dropped_iterations']} not sent in time;"
        f" p50 {latency['p50']} ms, p95 {latency['p95']} ms, p99 {latency['p99']} ms"
    )
    if summary["failed"]:
        text += f"; failures from {summary['first_failure']} to {summary['last_failure']}"
    return text
