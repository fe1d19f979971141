# The only entrance. Every target sets up what it needs; `make` alone lists them.
#
#   PYTHON=python3.13   the interpreter (its environment is then .venv-3.13; without PYTHON= it is .venv)
#   PORT=8000           where `make run` listens
#   ARGS="-k router"    passed on to pytest, or to the benchmark
#   CC=/bin/false       what a machine without a compiler does; ASTERI_PURE=1 and ASTERI_REQUIRE_EXT=1 as in setup.py

PYTHON ?= $(shell command -v python3 || command -v python)
ifeq ($(origin PYTHON),file)
VENV ?= .venv
else
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
ifeq ($(VERSION),)
$(error PYTHON=$(PYTHON) does not run)
endif
VENV ?= .venv-$(VERSION)
endif
PORT ?= 8000
ARGS ?=

BIN = $(abspath $(VENV))/bin
ENVIRONMENT = $(PYTHON) tools/environment.py $(VENV)

.DEFAULT_GOAL := help
.PHONY: help install run test test-pure lint format e2e proxies autobahn conformance schemathesis fuzz bench startup reliability docs-ui wheel clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' Makefile

install: ## the virtual environment with the `standard` extra (every other target does this by itself)
	@$(ENVIRONMENT)

run: install ## the demo, examples/hybrid, on http://127.0.0.1:8000 (PORT=)
	@echo "demo: http://127.0.0.1:$(PORT)"
	@cd examples/hybrid && exec $(BIN)/fenrir run app:app --host 127.0.0.1 --port $(PORT)

test: ## all tests but those that need a browser or a proxy
	@$(ENVIRONMENT) --group test
	$(BIN)/python -m pytest -m "not e2e and not proxies" $(ARGS)

test-pure: ## a quick second look with the compiled modules switched off
	@$(ENVIRONMENT) --group test
	ASTERI_PURE=1 $(BIN)/python -m pytest -m "not e2e and not proxies and not slow" $(or $(wildcard tests/contract tests/asteri/wire),tests/tooling) $(ARGS)

lint: ## ruff, mypy strict, import contracts, file sizes
	@$(ENVIRONMENT) --group lint --group test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --no-incremental --exclude '^(bench/(reliability/)?apps|tools/stubs)/' tools bench fuzz
	$(BIN)/lint-imports
	$(BIN)/python tools/sizes.py

format: ## let ruff write what `make lint` asks for
	@$(ENVIRONMENT) --group lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

e2e: ## the tests that need a real browser; installs Chromium from the system's packages when missing
	@$(ENVIRONMENT) --group test --group e2e
	@$(BIN)/python tools/programs.py chromium
	$(BIN)/python -m pytest -m e2e tests/e2e $(ARGS)

proxies: ## the corpus of requests through nginx and haproxy; installs them from the system's packages when missing
	@$(ENVIRONMENT) --group test
	@$(BIN)/python tools/programs.py nginx haproxy
	$(BIN)/python -m pytest -m proxies tests/corpus $(ARGS)

autobahn: ## every case of the Autobahn suite for WebSocket servers (about 15 minutes); writes conformance/autobahn/results.md
	@$(ENVIRONMENT) --group test
	$(BIN)/python -m conformance.autobahn --write conformance/autobahn/results.md $(ARGS)

conformance: ## the peers' own tests on the drop-ins; writes conformance/RESULTS.md (ARGS="flask --only views", ARGS=extensions)
	@$(ENVIRONMENT) --group test
	$(BIN)/python -m conformance $(ARGS)

schemathesis: ## every check of schemathesis against the demo's specification, and an adopted FastAPI application's
	@$(ENVIRONMENT) --group test
	$(BIN)/python -m conformance.documented $(ARGS)

fuzz: ## parsers against their other form and peers (ARGS="--seconds 600"; SANITIZE=1: ASan, UBSan; GUIDED=1: atheris)
	@$(ENVIRONMENT) --group test $(if $(GUIDED),--group fuzz)
	$(BIN)/python -m fuzz$(if $(SANITIZE),.sanitized)$(if $(GUIDED),.guided) $(ARGS)

bench: ## the same work on Fenrir, Asteri and their peers; writes build/bench.json (ARGS="--list", ARGS="--publish")
	@$(ENVIRONMENT) --group bench
	$(BIN)/python -m bench $(ARGS)

startup: ## what it costs to start a FastAPI application of 500 routes, on FastAPI and adopted
	@$(ENVIRONMENT) --group test
	$(BIN)/python -m bench.startup $(ARGS)

reliability: ## idle connections, slow readers, soak, resets, slow attackers ... (ARGS=all, ARGS="soak --requests 100000")
	@$(ENVIRONMENT) --group test
	@$(BIN)/python tools/programs.py slowhttptest
	$(BIN)/python -m bench.reliability $(or $(ARGS),all)

docs-ui: ## fetch the assets of Swagger UI and ReDoc again
	@$(ENVIRONMENT)
	$(BIN)/python tools/docs_ui.py --force

wheel: ## a wheel in dist/, with the compiled modules and the assets that are there
	@$(ENVIRONMENT)
	@rm -rf build/lib* build/bdist* # setuptools would pack what an earlier build left there
	$(BIN)/python -m pip --disable-pip-version-check wheel --no-deps --wheel-dir dist .

clean: ## remove environments, builds, compiled modules, assets and caches
	rm -rf .venv .venv-* build dist src/*.egg-info src/fenrir/kit/openapi/assets
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src \( -name '*_cy.c' -o -name '*_cy.*.so' -o -name '*_cy.*.pyd' \) -delete
	find src tests tools bench fuzz -name __pycache__ -type d -prune -exec rm -rf {} +
