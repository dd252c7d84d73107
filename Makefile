# Everything that is done here by a command. `make` alone lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
export PYTHON
bin := .venv/bin

.PHONY: help setup setup-dev run test faults check format bench lock clean

help:  ## list these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */\1|/' | \
		while IFS='|' read -r name text; do printf '  make %-10s %s\n' "$$name" "$$text"; done

setup:  ## make .venv with the command .venv/bin/regulars, and the front end (at once when that is done)
	@bash scripts/setup.sh

setup-dev:  ## the same, with what tests and checks need
	@bash scripts/setup.sh dev

run: setup  ## start everything with a demo program, and print where to look; ORDERS=FILE takes a file's orders
	@exec $(bin)/regulars run $(if $(ORDERS),--orders "$(ORDERS)")

test: setup-dev  ## run all tests; ARGS="tests/domain -k refund" chooses
	@bash scripts/test_packages.sh
	@$(bin)/python -m pytest -n 2 $(ARGS)

faults: setup-dev  ## run the long forms of the fault tests, about an hour; ARGS="-k kills" chooses, ARGS=--list says which there are
	@bash scripts/test_packages.sh
	@$(bin)/python scripts/faults.py $(ARGS)

check: setup-dev  ## lint, format, types, who may import whom, and whether the documentation is complete
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy --strict src
	$(bin)/lint-imports
	@cd frontend && PATH="$$PWD/../$(bin):$$PATH" npm run --silent check
	$(bin)/python scripts/check_sizes.py
	$(bin)/python -m pytest -q -p no:xdist tests/test_docs.py

format: setup-dev  ## let ruff put the code into shape
	$(bin)/ruff check --fix .
	$(bin)/ruff format .

bench: setup  ## measure orders a second on this machine, and that none is lost; ARGS="--quick"
	@$(bin)/python bench/run.py $(ARGS)

lock:  ## pin every package anew with hashes (UPGRADE=1 takes the newest versions)
	@bash scripts/lock.sh

clean:  ## remove .venv and caches; the data in .regulars stays
	rm -rf frontend/node_modules src/regulars/doors/*/built
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist site
	find src tests scripts bench -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
