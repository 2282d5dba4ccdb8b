# `make help` lists the targets. Each sets up what it needs; nothing is needed beforehand but
# make, Python 3.11 and, for the cluster without a Docker engine, Go and root on Debian.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CACHE := $(or $(SPECTRA_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/spectra)
PREPARE_LOG := $(CACHE)/logs/prepare-$(notdir $(CURDIR)).log

# Cluster of `make cluster-up` and `make demo`; the e2e tests have one of their own.
CLUSTER ?= spectra
export SPECTRA_TEST_CLUSTER ?= spectra-test
E2E_CLUSTER := $(SPECTRA_TEST_CLUSTER)
# Processes for unit and component tests.
WORKERS ?= 2
# More arguments for pytest, as in `make unit ARGS='-k retry'`.
ARGS ?=
# `make lock UPGRADE=--upgrade` moves to the newest versions that pyproject.toml allows.
UPGRADE ?=
# `make release REGISTRY=registry.example/team`: where its images will be; else the chart's default.
REGISTRY ?=
# The tag that a release is made for; another version's is refused.
TAG ?=
UV_VERSION := 0.13.8

PYTEST := $(BIN)/pytest -q
LOCK := uv pip compile --quiet --generate-hashes --no-emit-index-url --universal \
  --python-version 3.11 --custom-compile-command "make lock" $(UPGRADE) pyproject.toml

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  \033[1m%-14s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: venv
venv: $(STAMP) ## Make the virtual environment with the locked dependencies

$(STAMP): requirements-dev.lock pyproject.toml
	@if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
	  fix="apt-get update -q && apt-get install -q -y python3-venv"; \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then bash -c "$$fix" >&2; \
	  else echo "make: Python or its venv is missing; as root on Debian: $$fix" >&2; exit 1; fi; \
	fi
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "make: Python 3.11 or later is needed; name it: make PYTHON=python3.12 venv" >&2; exit 1; }
	@[ -x $(BIN)/pip ] || $(PYTHON) -m venv --clear $(VENV)
	@echo "installing the locked dependencies into $(VENV)" >&2
	@$(BIN)/pip --disable-pip-version-check install --quiet --require-hashes -r requirements-dev.lock
	@$(BIN)/pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: lock
lock: ## Renew both lock files (UPGRADE=--upgrade for newer versions)
	@scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; \
	$(PYTHON) -m venv "$$scratch/venv"; \
	"$$scratch/venv/bin/pip" --disable-pip-version-check install --quiet uv==$(UV_VERSION); \
	export PATH="$$scratch/venv/bin:$$PATH" SSL_CERT_FILE="$${SSL_CERT_FILE:-$${PIP_CERT:-}}" \
	  UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-}}" \
	  UV_FIND_LINKS="$${UV_FIND_LINKS:-$${PIP_FIND_LINKS:-}}"; \
	for name in SSL_CERT_FILE UV_DEFAULT_INDEX UV_FIND_LINKS; do [ -n "$${!name}" ] || unset $$name; done; \
	$(LOCK) --extra tracing --output-file requirements.lock; \
	$(LOCK) --extra cli --extra tracing --extra dev --output-file requirements-dev.lock

.PHONY: generate
generate: $(STAMP) ## Write the generated files: CRDs, the chart's CRDs, manifests
	@$(BIN)/python -m checks generate

.PHONY: pictures
pictures: $(STAMP) ## Draw the dashboards anew for the docs, from a run of four minutes
	@$(BIN)/python -m cluster unpack prometheus >/dev/null
	@$(PYTEST) tests/pictures $(ARGS)

.PHONY: site
site: $(STAMP) ## Build the documentation site into build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

.PHONY: check
check: $(STAMP) ## Lint, types, layers, generated files, chart, manifests, examples, site
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet . || \
	  { echo "make: the files above are not formatted; run $(BIN)/ruff format" >&2; exit 1; }
	@$(BIN)/mypy --no-error-summary operator agent cli hack tests
	@said=$$($(BIN)/lint-imports --no-logo 2>&1) || { echo "$$said" >&2; exit 1; }
	@$(BIN)/python -m checks all

.PHONY: unit
unit: $(STAMP) ## Run the unit tests
	@$(BIN)/python -m cluster build helm actionlint
	@$(PYTEST) -n $(WORKERS) tests/unit $(ARGS)

.PHONY: component
component: $(STAMP) ## Run the component tests: real code against an API server in the process
	@{ $(BIN)/python -m cluster unpack prometheus && $(BIN)/python -m cluster unpack promtool; } \
	  >/dev/null || \
	  echo "make: the tests against a real Prometheus are skipped" >&2
	@$(BIN)/python -m cluster build otelcol || \
	  echo "make: the test against a real collector is skipped" >&2
	@$(PYTEST) -n $(WORKERS) tests/component $(ARGS)

.PHONY: e2e
e2e: $(STAMP) ## Run the core end-to-end tests on a real cluster, which they bring up
	@$(PYTEST) tests/e2e -n 4 --dist loadgroup $(ARGS)

# What kind has no counterpart for is left out: the local network, the local provisioner of
# volumes, the addon metrics-server, and clusters beside the first one.
KIND_ARGS := --ignore=tests/e2e/test_network.py --ignore=tests/e2e/test_storage.py \
  --ignore=tests/e2e/test_documents.py --ignore=tests/e2e/test_tutorial.py \
  -k 'not autoscaler_of_the_cluster'

.PHONY: e2e-kind
e2e-kind: $(STAMP) ## Run the end-to-end tests that a kind cluster can pass
	@$(PYTEST) tests/e2e -n 2 --dist loadgroup $(KIND_ARGS) $(ARGS)

# The first cluster on a machine takes minutes to build, so it is made beside the quick tests,
# at low priority. The e2e tests bring up what is missing by themselves: a failure here only
# costs them time, and they then report it.
.PHONY: test
test: $(STAMP) ## Run what CI runs: check, unit, component and e2e tests
	@mkdir -p "$(dir $(PREPARE_LOG))"; \
	setsid nice -n 10 $(MAKE) prepare >"$(PREPARE_LOG)" 2>&1 & prepare=$$!; \
	trap 'kill -- -$$prepare 2>/dev/null || true' EXIT; \
	for tier in check unit component; do echo "== $$tier"; $(MAKE) $$tier ARGS=; done; \
	echo "== e2e"; \
	if kill -0 $$prepare 2>/dev/null; then \
	  echo "waiting for cluster and images; see $(PREPARE_LOG)"; \
	fi; \
	wait $$prepare || { echo "preparing failed; the e2e tests try again:"; tail -5 "$(PREPARE_LOG)"; }; \
	$(MAKE) e2e ARGS=

.PHONY: prepare
prepare: $(STAMP)
	@$(BIN)/python -m cluster up --name $(E2E_CLUSTER)
	@$(BIN)/python -m cluster build metrics-server otelcol
	@$(BIN)/python -m images build
	@PYTHONPATH=tests $(BIN)/python -m e2e.harness.versions

.PHONY: test-all
test-all: test ## Run everything: `make test`, then many more storms, and scale on fake nodes
	@SPECTRA_STORM_SEEDS=600 $(PYTEST) tests/component/engine/test_engine_storms.py $(ARGS)
	@$(PYTEST) -s tests/perf $(ARGS)

.PHONY: bench
bench: $(STAMP) ## Measure against the targets, on fake nodes (ARGS='--quick', '--scenario chain')
	@$(BIN)/python -m bench $(ARGS)

.PHONY: profile
profile: $(STAMP) ## Sample the operator (ARGS='--scenario chain' says in what), and count what it does
	@folder=build/profile/$$(date -u +%Y%m%d-%H%M%S); \
	$(BIN)/python -m profiling --output "$$folder" sample $(ARGS); \
	$(BIN)/python -m profiling --output "$$folder" count

.PHONY: images
images: $(STAMP) ## Build the container images that have changed
	@$(BIN)/python -m images build

.PHONY: release
release: $(STAMP) ## Make a release in build/release: images, chart, manifest, packages, SBOMs, sums
	@$(BIN)/python -m release build $(REGISTRY:%=--registry %) $(TAG:%=--tag %) $(ARGS)

.PHONY: cluster-up
cluster-up: $(STAMP) ## Bring up the local cluster; prints an export line
	@$(BIN)/python -m cluster up --name $(CLUSTER)

.PHONY: cluster-down
cluster-down: $(STAMP) ## Remove the local cluster
	@$(BIN)/python -m cluster down --name $(CLUSTER)

.PHONY: demo
demo: $(STAMP) ## Bring up a cluster, install the operator, run the foundation workflow live
	@$(BIN)/python -m demo --name $(CLUSTER)

.PHONY: demo-down
demo-down: cluster-down ## Remove the demo's cluster
