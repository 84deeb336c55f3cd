# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the demo platform's images by a real Dockerfile and pushes them, only what has changed."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from pathlib import Path

from sandbox.components.docker import SOCKET
from sandbox.demo.demo_services import PLATFORM, Image
from sandbox.errors import SandboxError
from sandbox.locking import locked
from sandbox.node.sandbox_state import SandboxState, write
from sandbox.settings import SOURCES

Run = t.Callable[[list[str]], "subprocess.CompletedProcess[str]"]


class Images:
    def __init__(self, run: Run, registry: str, program: Path, workplace: Path) -> None:
        """`run` runs a docker command where its engine is;
        `workplace` keeps the build context and what was pushed.
        """
        self.run = run
        self.registry = registry
        self.program = program
        self.context = workplace / "image-context"
        self.memory = workplace / "images.json"

    def publish(self, images: t.Iterable[Image]) -> dict[str, str]:
        """Digests by reference, after building and pushing those that are new or whose content has changed."""
        with locked(self.memory.with_suffix(".lock"), "Another command builds images; waiting for it."):
            return self._publish_all({image.reference(self.registry): image for image in images})

    def _publish_all(self, wanted: dict[str, Image]) -> dict[str, str]:
        known: dict[str, dict[str, str]] = json.loads(self.memory.read_text()) if self.memory.exists() else {}
        todo = [
            reference
            for reference, image in wanted.items()
            if known.get(reference, {}).get("key") != self._key(image)
        ]
        if todo:
            began = time.monotonic()
            self._fill_context()
            print(f"Building and pushing {len(todo)} image(s) to {self.registry}", flush=True)
            # The first one alone: it makes the layer that all others find in the cache.
            digests = {todo[0]: self._publish(todo[0], wanted[todo[0]])}
            with ThreadPoolExecutor(max_workers=4) as pool:
                digests |= dict(
                    zip(
                        todo[1:],
                        pool.map(lambda reference: self._publish(reference, wanted[reference]), todo[1:]),
                        strict=True,
                    )
                )
            for reference, digest in digests.items():
                known[reference] = {"key": self._key(wanted[reference]), "digest": digest}
            write(self.memory, json.dumps(known, indent=1, sort_keys=True))
            print(f"Images are in the registry ({time.monotonic() - began:.1f} s)", flush=True)
        return {reference: known[reference]["digest"] for reference in wanted}

    @cached_property
    def source(self) -> str:
        """Of everything that all images are made from."""
        dockerfile = (SOURCES / "exchange" / "Dockerfile").read_bytes()
        return hashlib.sha256(dockerfile + self.program.read_bytes()).hexdigest()

    def _key(self, image: Image) -> str:
        return hashlib.sha256(
            json.dumps([self.source, image.service, image.version, sorted(image.faults.items())]).encode()
        ).hexdigest()

    def _fill_context(self) -> None:
        self.context.mkdir(parents=True, exist_ok=True)
        shutil.copy2(SOURCES / "exchange" / "Dockerfile", self.context / "Dockerfile")
        shutil.copy2(self.program, self.context / "exchange")

    def _publish(self, reference: str, image: Image) -> str:
        arguments = {"SERVICE": image.service, "VERSION": image.version, **image.faults}
        build = ["docker", "build", "--quiet", "--tag", reference]
        for name, value in arguments.items():
            build += ["--build-arg", f"{name}={value}"]
        self._docker([*build, str(self.context)])
        pushed = self._docker(["docker", "push", reference]).stdout
        digest = re.search(r"digest: (sha256:[0-9a-f]{64})", pushed)
        if not digest:
            raise SandboxError(f"The registry named no digest for {reference}:\n{pushed.strip()[-1000:]}")
        return digest[1]

    def _docker(self, argv: list[str]) -> subprocess.CompletedProcess[str]:
        done = self.run(argv)
        if done.returncode != 0:
            raise SandboxError(f"`{' '.join(argv)}` failed: {(done.stderr or done.stdout).strip()[-2000:]}")
        return done


def of_sandbox(sandbox: SandboxState) -> Images:
    """Images built by the sandbox's own engine for its own registry."""
    client = buildkit_client()
    extra = {
        "DOCKER_HOST": f"unix://{SOCKET}",
        "DOCKER_BUILDKIT": "1",
        "DOCKER_CONFIG": str(sandbox.settings.root / "docker-config"),
    }

    def run(argv: list[str]) -> subprocess.CompletedProcess[str]:
        return sandbox.namespaces.run([client, *argv[1:]], extra=extra, check=False)

    return Images(
        run,
        f"{sandbox.settings.registry}/{PLATFORM}",
        Path(sandbox.program("exchange")),
        sandbox.settings.root,
    )


def of_user(registry: str, program: Path, workplace: Path) -> Images:
    """Images built by the user's own Docker for the user's registry."""
    if not shutil.which("docker"):
        raise SandboxError(
            f"Docker is needed to build the demo's images for {registry}, and there is no program `docker` here. Install it and try again."
        )
    return Images(
        partial(subprocess.run, capture_output=True, text=True, check=False), registry, program, workplace
    )


def buildkit_client() -> str:
    """A docker client that can build with BuildKit: from version 23 on it needs a plugin for that."""
    candidates = [
        path for path in ("/usr/bin/docker", shutil.which("docker")) if path and Path(path).exists()
    ]
    for path in candidates:
        output = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
        major = re.search(r"version (\d+)\.", output)
        if major and int(major[1]) < 23:
            return path
        if subprocess.run([path, "buildx", "version"], capture_output=True, check=False).returncode == 0:
            return path
    raise SandboxError(
        "No docker client here can build with BuildKit. Install one: apt-get install docker-buildx (or docker.io of Debian 12)"
    )
