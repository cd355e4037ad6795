# What one does with HK Reach on this machine. The work is done in local/; this file names it.
SHELL := /bin/sh
.DEFAULT_GOAL := help
ARCH ?= arm64
STAGE ?= dev
SEED ?= 1
FAULTS ?= 20000
# Read by local/: make up AWS_PORT=4566 META_PORT=… INBOX_PORT=… GRAPH_URL=… WEBHOOK_URL=… STATE_DIR=…
export AWS_PORT META_PORT INBOX_PORT GRAPH_URL WEBHOOK_URL STATE_DIR
export SAM_CLI_TELEMETRY := 0

python := .venv/bin/python
sam := .local/venvs/sam/bin/sam
requirements := layers/dependencies/requirements.txt
export_requirements = .venv/bin/uv export --quiet --frozen --package hkreach --no-emit-project --no-emit-workspace --no-header

.PHONY: help setup demo up down test test-unit chaos replay chart bench lint format event-docs build lock check-lock deploy

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

setup: ## make the environments from uv.lock; needs Python 3.13, pip and git
	@PYTHON="$(PYTHON)" sh local/setup.sh

demo: setup ## bring the stack up, send a template and a document, show every step
	@$(python) -m local.demo

up: setup ## the same stack in the background, described in .local/stack.json
	@$(python) -m local.stack up

down: ## end it
	@if [ -x $(python) ]; then $(python) -m local.stack down; else echo "down: nothing was running"; fi

test: lint check-lock ## everything that must hold: style, types, locks and all tests, those of the deployed stack too
	$(python) -m pytest --cov

test-unit: setup ## the tests that need no stack
	$(python) -m pytest -m "not stack"

chaos: setup ## the Outbox under faults, in simulated time: make chaos SEED=1 FAULTS=20000
	@$(python) -m tests.chaos --seed $(SEED) --faults $(FAULTS)

replay: setup ## outages, bursts and campaigns in simulated time, beside other senders' rules
	@$(python) -m tests.replay --seed $(SEED)

chart: setup ## the same, drawn: docs/outage.png
	@UV_PROJECT_ENVIRONMENT=.local/venvs/chart .venv/bin/uv run --quiet --frozen --no-default-groups --group chart \
		python -m tests.replay --seed $(SEED) --chart docs/outage.png

bench: setup ## what a function's start, the sender's batches, a callback, reading a form and an upload cost, as ratios
	@$(python) -m tests.bench.cold_start
	@$(python) -m tests.bench.sender_cost
	@$(python) -m tests.bench.receive_cost
	@$(python) -m tests.bench.multipart
	@$(python) -m tests.bench.media_upload

lint: setup ## style, types, direction of imports, template
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/cfn-lint template.yaml
	$(sam) validate --lint --region us-east-1

format: setup ## let ruff format the code
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

event-docs: setup ## make docs/events/ from the models
	@$(python) -m local.event_docs

build: setup ## build functions and layers: make build ARCH=arm64 (default) or x86_64
	@$(python) -m local.build --arch $(ARCH)

lock: setup ## refresh uv.lock and what the dependencies layer takes from it
	.venv/bin/uv lock
	$(export_requirements) > $(requirements)

check-lock: setup ## fail if uv.lock or the dependencies layer's requirements are stale
	.venv/bin/uv lock --check
	$(export_requirements) | cmp - $(requirements)

deploy: setup ## build and deploy to AWS: make deploy STAGE=dev (ARCH=arm64, the default, or x86_64)
	@$(python) -m local.deploy --stage $(STAGE) --arch $(ARCH)
