# make up     set everything up and run the whole platform until Ctrl-C
# make test   set everything up and run all checks and tests
# make compose-init HOST=mqtt.example.vn CITY=hanoi PROFILE=city   make what docker-compose.yml needs
# make compose-check   check docker-compose.yml and the Dockerfile, without an engine
# make bench  print the benchmarks' JSON lines
# make clean  remove the environment; data/ stays

PYTHON ?= python3
VENV   := .venv
PIP    := $(VENV)/bin/python -m pip --disable-pip-version-check install --quiet -c constraints.txt

.PHONY: up test check bench clean services compose-init compose-check
.DEFAULT_GOAL := up

up: $(VENV)/.ready
	@exec $(VENV)/bin/urban up

test: $(VENV)/.ready-test services check
	$(VENV)/bin/python -m pytest

check: $(VENV)/.ready-test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

services:
	@sh tests/install_services.sh

compose-init: $(VENV)/.ready
	@$(VENV)/bin/urban stack init $(if $(HOST),--host $(HOST)) --city $(or $(CITY),hcmc) --profile $(or $(PROFILE),city)

compose-check: $(VENV)/.ready-test
	@$(VENV)/bin/python -m pytest -q tests/compose/test_compose.py

bench: $(VENV)/.ready
	@$(VENV)/bin/urban bench ingest
	@$(VENV)/bin/urban bench analytics
	@$(VENV)/bin/urban bench alerts

$(VENV)/.ready: constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; try: make PYTHON=python3.12")'
	@echo "Setting up $(VENV) (once, about a minute)…"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) -e .
	@touch $@

$(VENV)/.ready-test: $(VENV)/.ready
	@echo "Installing what the tests need…"
	@$(PIP) -e '.[test]'
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info
