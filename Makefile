# Every command a person or CI types. `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
BIN := .venv/bin
unexport PYTHONDONTWRITEBYTECODE # a hundred processes of ours start in a run: none compiles what another has compiled

.PHONY: help setup demo test faults simulate check bench proto lock clean

help: ## list what can be typed
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

setup: ## make .venv with everything needed, each package proved by its hash; the command is .venv/bin/holdfast
	@PYTHON='$(PYTHON)' scripts/setup.sh

demo: setup ## a month of calls, from the file to figures that explain themselves
	$(BIN)/holdfast demo

test: setup ## every test, on a real Postgres, a file at a time on each core (PYTEST='-n 0 …' for one process)
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(PYTEST)

faults: setup ## put faults on a whole running system for MINUTES=10, and say in one line what became of it; SEED=… repeats
	PYTHONPATH=tests/support:tests/faults $(BIN)/python -m fault_suite $(if $(SEED),--seed $(SEED)) \
		$(if $(MINUTES),--minutes $(MINUTES)) $(if $(FAULTS),--faults $(FAULTS))

simulate: setup ## crash relays, readers of topics and routing at every step, by SEEDS=10000 seeds, over models of the rest
	PYTHONPATH=tests/support:tests/faults $(BIN)/python -m crash_simulation $(if $(SEEDS),--seeds $(SEEDS))

check: setup ## what CI checks beside the tests: form, types, layers, shared words, lock; all of it, even after a failure
	@$(MAKE) --no-print-directory --keep-going form types layers words current

.PHONY: form types layers words current
form:
	$(BIN)/ruff format --check --quiet
	$(BIN)/ruff check
types:
	scripts/check_types.sh
layers:
	$(BIN)/lint-imports --no-logo
words:
	$(BIN)/buf lint proto
	$(BIN)/buf format --diff --exit-code proto
	scripts/check_breaking.sh
current:
	$(BIN)/python scripts/generate_proto.py --check
	$(BIN)/python scripts/write_flow_schema.py --check
	scripts/lock.sh --check

bench: setup ## measure what is claimed about speed
	$(BIN)/python -m bench $(BENCH)

proto: setup ## regenerate proto/gen from the .proto files
	$(BIN)/buf format --write proto
	$(BIN)/python scripts/generate_proto.py

lock: setup ## remake requirements.lock; UPGRADE=1 moves every version to the newest that fits
	scripts/lock.sh $(if $(UPGRADE),--upgrade)

clean: ## remove .venv and every cache; data folders stay
	rm -rf .venv .cache .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .schemathesis
	find . -name __pycache__ -prune -exec rm -rf {} +
	find libs proto services cli -name '*.egg-info' -prune -exec rm -rf {} +
