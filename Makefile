# Verbatim: `make` lists what can be done. Every target prepares what it needs by itself.

# The first Python that will do; name another with `make PYTHON=python3.12 …`.
ifndef PYTHON
PYTHON := $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null \
	&& echo $$python && exit; done; echo python3)
endif

RUN := .venv/bin/python -m
PREPARE := command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON); install Python 3.11 to 3.14." >&2; exit 1; }; \
	$(PYTHON) -m bootstrap

# Tests that make calls have the machine to themselves; all others are spread over its cores first.
define PYTEST
$(RUN) pytest -m "$(1) and not alone" --numprocesses=logical --maxprocesses=4 --dist=worksteal
$(RUN) pytest -m "$(1) and alone"
endef

.DEFAULT_GOAL := help
.PHONY: help setup packages tools-for-tests demo test test-all soak bench kill-matrix mutations canary test-live check lint typecheck format lock image clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## prepare this checkout: Python packages and livekit-server (2 minutes the first time)
	@$(PREPARE)

packages:
	@$(PREPARE) --packages-only

tools-for-tests:
	@$(PREPARE) --tests

demo: setup ## a whole call on this machine: no keys, no account
	@$(RUN) worker demo

test: setup check ## what every change must pass: checks and fast tests (at most 8 minutes)
	$(call PYTEST,not slow and not soak and not live)

test-all: tools-for-tests check ## all tests but soak and live ones (50 minutes; builds object stores first)
	$(call PYTEST,not soak and not live)

soak: tools-for-tests ## the full counts; results are kept under bench/results/
	$(RUN) pytest -m soak --hypothesis-profile=soak

kill-matrix: setup ## kill real calls in eight ways and look for every word: COUNT=3 of each, SEED=… to do it again
	@VERBATIM_TEST_KILLS=$(or $(COUNT),3) VERBATIM_TEST_SEED=$(SEED) $(RUN) pytest -m soak -p no:tests.parts.results tests/faults/test_kill_matrix.py

mutations: packages ## break the product in known ways: each time a test must fail (6 minutes)
	@$(RUN) tests.mutations

bench: packages ## journal, recovery and replay; fails where a bar is missed (4 minutes)
	@status=0; for each in journal recovery replay; do $(RUN) bench.$$each || status=1; done; exit $$status

canary: packages ## what is relied on in livekit-agents and its plugins, on their newest releases (2 minutes)
	@$(RUN) tests.canary

test-live: packages ## the same contracts with the real services and your own keys; tells the cost and asks first
	@$(RUN) tests.live

check: lint typecheck

lint: packages ## style, likely bugs, and the direction of the imports
	$(RUN) ruff check
	$(RUN) ruff format --check
	.venv/bin/lint-imports

typecheck: packages ## types, strictly
	$(RUN) mypy

format: packages ## put the code into the project's format
	$(RUN) ruff check --fix
	$(RUN) ruff format

lock: packages ## bring uv.lock up to date with pyproject.toml
	@.tools/uv-*/bin/uv lock

image: ## build the container image with the engine that is installed
	@engine=$$(command -v podman || command -v docker || command -v buildah) || \
		{ echo "There is no podman, docker or buildah on PATH; install one of them." >&2; exit 1; }; \
	"$$engine" build --tag verbatim .

clean: ## delete what the checkout has made: environment, tools, caches
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
