# The two commands of the README are `make demo` and `make test`. Both set up what they need, from Python
# 3.11+, git and make alone. Another Python: make PYTHON=python3.12 test
PYTHON ?= python3
BIN := .venv/bin
# The tests start hundreds of processes: each would compile the same modules again.
unexport PYTHONDONTWRITEBYTECODE
# What one test file starts (servers), its tests share: files, not tests, are spread over the workers, in the
# order of tests/conftest.py.
# One worker more than there are processors, since tests of whole runs wait for servers half of their time.
WORKERS ?= $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1 )))
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 4 --dist loadfile --no-loadscope-reorder \
          --durations 30 --durations-min 10
CODE := tamma workflows activities tests scripts $(wildcard bench)

.DEFAULT_GOAL := help
.PHONY: help demo test test-peers test-long live bench simulate chaos check check-format check-types check-imports check-locks check-secrets \
        format audit lock hooks install install-dev clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

demo: install ## See one run from issue to merge, on this machine, without a key
	@$(BIN)/tamma demo

test: install-dev ## Pass the tests (ARGS="-k name" for some of them)
	@$(PYTEST) -m "not slow and not peers and not live and not long" $(ARGS)

test-peers: install-dev ## What `make test` leaves out: slow tests, and those of servers from elsewhere
	@$(PYTEST) -m "(slow or peers) and not live and not long" $(ARGS)

test-long: install-dev ## Fifty runs at once on one worker: minutes of work for a whole machine
	@$(BIN)/python -m pytest -m long $(ARGS)

live: install-dev ## Tests against real services, with your own keys: this costs money
	@$(BIN)/python -m pytest -m live $(ARGS)

bench: install-dev ## Measure; figures go to bench-results.json
	@$(BIN)/python -m bench

simulate: install-dev ## Check the error rates of the statistics by simulation; results go to simulate-results.json
	@$(BIN)/python -m bench.simulate $(ARGS)

check: check-format check-types check-imports check-locks check-secrets ## Everything but the tests

check-format: install-dev
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)

check-types: install-dev
	@$(BIN)/pyright

check-imports: install-dev
	@$(BIN)/lint-imports --no-logo

check-locks: install-dev
	@$(BIN)/python scripts/check_locks.py

check-secrets: install-dev
	@$(BIN)/gitleaks git --verbose --redact --no-banner --no-color --log-level warn .
	@echo "secrets: none in the history of this repository"

format: install-dev ## Format, and repair what ruff can
	@$(BIN)/ruff check --fix $(CODE)
	@$(BIN)/ruff format $(CODE)

audit: install-dev ## Known vulnerabilities of the locked dependencies
	@bash scripts/audit.sh

lock: install-dev ## Write requirements/*.txt again (ARGS=--upgrade for newer versions)
	@bash scripts/lock.sh $(ARGS)

hooks: install-dev ## Run the quick checks before every commit
	@$(BIN)/pre-commit install

chaos: install-dev ## Kill workers, servers and connections at every step of a run (ARGS="--points 30")
	@$(BIN)/python -m tests.chaos $(ARGS)

install:
	@$(PYTHON) scripts/bootstrap.py core

install-dev:
	@$(PYTHON) scripts/bootstrap.py dev

clean: ## Remove everything that was made here (.venv too)
	@rm -rf .venv .peers build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache bench-results*.json simulate-results*.json chaos-results*.json chaos-failures
	@find tamma workflows activities tests scripts -name __pycache__ -prune -exec rm -rf {} +
