# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Every target installs what it needs first, into RUNBOOK_STATE only, and is quick when nothing is to do.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

cache := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)
export RUNBOOK_STATE ?= $(cache)/runbook-release
# Progress is seen as it happens, also through a pipe.
export PYTHONUNBUFFERED := 1
# What the tools would otherwise leave in the home folder.
export ANSIBLE_HOME := $(RUNBOOK_STATE)/ansible
export ANSIBLE_REMOTE_TMP := $(RUNBOOK_STATE)/ansible/tmp
export KUBECACHEDIR := $(RUNBOOK_STATE)/kube
export MYPY_CACHE_DIR := $(RUNBOOK_STATE)/mypy
export RUFF_CACHE_DIR := $(RUNBOOK_STATE)/ruff

# Runs a command with the locked virtualenv's programs first.
in_venv = venv=$$(tests/gates/bootstrap) && PATH="$$venv/bin:$$PATH"
PYTEST_ARGS ?=
# Below tests/integration.
FOLDER ?=
GATES ?=

.PHONY: help demo test test-unit test-integration test-molecule soak lint sandbox sandbox-down bench build docs lock clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## A good and a bad release of nine services under load, on a real Kubernetes
	@$(in_venv) python -m sandbox demo

test: ## Everything: lint, unit, molecule, artifact, integration
	@$(in_venv) python -m tests.gates.suite

test-unit: ## Unit tests; PYTEST_ARGS="-k waves" for some of them
	@$(in_venv) python -m pytest tests/unit $(PYTEST_ARGS)

test-integration: ## Tests against the sandbox; FOLDER=data for one folder
	@$(in_venv) python -m pytest tests/integration/$(FOLDER) $(PYTEST_ARGS)

test-molecule: ## The roles' Molecule scenarios
	@$(in_venv) python -m tests.gates.molecule

soak: ## What repeats the tests in longer and further forms; FOLDER=data for one folder
	@$(in_venv) python -m pytest tests/integration/$(FOLDER) -m soak -v -n 2 $(PYTEST_ARGS)

lint: ## All gates; GATES="ruff mypy" for some of them
	@$(in_venv) python -m tests.gates $(GATES)

sandbox: ## A real Kubernetes, registry, Prometheus and ingress; SANDBOX=kwok adds fake nodes
	@$(in_venv) python -m sandbox up

sandbox-down: ## Stop the sandbox and leave nothing of it behind
	@$(in_venv) python -m sandbox down

bench: ## Rollouts by us, kubectl and kubernetes.core, and backups by us and by pg_dump, with ratios
	@peers=$$(tests/gates/bootstrap bench) && $(in_venv) && export PATH && missed=0 && \
	{ BENCH_VENV="$$peers" python -m tests.bench || missed=1; python -m tests.bench.data || missed=1; exit $$missed; }

build: ## The artifact for ansible-galaxy, in build/, proven to install and to pass Galaxy's importer
	@$(in_venv) python -m tests.gates.artifact

docs: ## docs/inventory.md, out of the options that check the inventory
	@$(in_venv) python -m tests.gates.inventory

lock: ## Resolve requirements/*.in to the newest versions
	@$(in_venv) python -m tests.gates.lock

clean: ## Stop the sandbox, then remove build output and everything under RUNBOOK_STATE
	@if [ -d "$(RUNBOOK_STATE)/sandbox" ]; then $(in_venv) python -m sandbox down; fi
	@if [ -d "$(RUNBOOK_STATE)/go" ]; then chmod -R u+w "$(RUNBOOK_STATE)/go"; fi # Go keeps its modules read-only
	@rm -rf build .ansible .pytest_cache "$(RUNBOOK_STATE)"
	@echo "Removed build/ and $(RUNBOOK_STATE). Reports of releases (release-reports/) stay."
