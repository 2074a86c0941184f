# make demo: the sample world from files to page.  make test: every check.  Both set up what they need.
PYTHON ?= python3
OUT    ?= runs/demo

VENV   := .venv
PY     := $(VENV)/bin/python
READY  := $(VENV)/.ready
LOCK   := requirements-lock.txt
CYLC   := .venv-workflows

export PIP_DISABLE_PIP_VERSION_CHECK := 1

# What a fresh machine may lack, each answered in one line.
version_of   = import sys; print("%d.%d" % sys.version_info[:2])
python_found = $(shell { $(PYTHON) -c '$(version_of)'; } 2>/dev/null)
needs_python = tianbang needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is $(or $(python_found),not found). \
	Try: make PYTHON=python3.12 $(MAKECMDGOALS)
needs_venv   = $(PYTHON) cannot make environments. Install its venv module, on Debian and Ubuntu: apt-get install python3-venv
libgomp      = import ctypes, sys; sys.platform == "linux" and ctypes.CDLL("libgomp.so.1")
needs_gomp   = LightGBM needs the system library libgomp.so.1. \
	Debian, Ubuntu: apt-get install libgomp1; Fedora, RHEL: dnf install libgomp

.PHONY: help demo test test-slow lint format lock setup workflows-tools clean FORCE

help:
	@echo "make demo       run the sample world, from files to page (OUT=$(OUT))"
	@echo "make test       format, lint, types, import contracts, and all but the slow tests"
	@echo "make test-slow  the slow tests"
	@echo "make lint       all of make test but the tests"
	@echo "make format     put the code into the agreed form"
	@echo "make lock       bring $(LOCK) in step with pyproject.toml (UPGRADE=--upgrade: newest)"
	@echo "make workflows-tools  Cylc, which checks workflows/, in an environment of its own ($(CYLC))"
	@echo "make clean      remove $(VENV), caches and build products; runs/ stays"

demo: $(READY)
	@$(VENV)/bin/tianbang demo --out "$(OUT)"
	@echo "the page: $(abspath $(OUT))/index.html"

test: lint
	@$(PY) -m pytest -m "not slow" --cov --numprocesses auto --dist loadfile

# pytest's 5 says that nothing was selected: there may be no slow test.
test-slow: $(READY)
	@$(PY) -m pytest -m slow || test $$? -eq 5

lint: $(READY)
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports --no-logo
	@$(VENV)/bin/codespell

format: $(READY)
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

lock: $(READY)
	@$(PY) -m uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --quiet $(UPGRADE) \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links --output-file $(LOCK)

setup: $(READY)

# uv reads the lock in seconds but not pip's settings, so it is told pip's index; where it fails, pip does it.
$(READY): pyproject.toml $(LOCK) | $(VENV)/pyvenv.cfg
	$(if $(shell $(PY) -c '$(libgomp)' 2>&1),$(error $(needs_gomp)))
	@echo "installing the pinned packages into $(VENV) (once; up to a minute)"
	@index="$${PIP_INDEX_URL:-$$($(PY) -m pip config get global.index-url 2>/dev/null)}"; \
	if [ -n "$$index" ]; then export UV_DEFAULT_INDEX="$$index"; fi; \
	$(PY) -m pip install --quiet "$$(grep '^uv==' $(LOCK))" && \
	$(PY) -m uv pip sync --quiet --python $(PY) $(LOCK) || { \
		echo "uv could not install them; pip tries"; \
		$(PY) -m pip install --quiet --requirement $(LOCK); }
	@$(PY) -m pip install --quiet --no-deps --no-build-isolation --editable .
	@echo "$(CURDIR)" > $@

workflows-tools: $(CYLC)/bin/cylc

# The range is that of workflows/environment-cylc.yml.
$(CYLC)/bin/cylc: workflows/environment-cylc.yml
	@$(PYTHON) -m venv --clear $(CYLC)
	@$(CYLC)/bin/python -m pip install --quiet "$$(sed -n 's/^ *- \(cylc-flow.*\)/\1/p' $<)"
	@touch $@

$(VENV)/pyvenv.cfg:
	$(if $(filter 3.11 3.12 3.13,$(python_found)),,$(error $(needs_python)))
	$(if $(shell $(PYTHON) -c 'import ensurepip, venv' 2>&1),$(error $(needs_venv)))
	@$(PYTHON) -m venv --clear $(VENV)

# An environment copied along with its checkout still points at the old one: it is made anew.
ifneq ($(wildcard $(READY)),)
ifneq ($(shell cat $(READY)),$(CURDIR))
$(VENV)/pyvenv.cfg: FORCE
$(READY): FORCE
endif
endif

clean:
	rm -rf $(VENV) $(CYLC) build dist *.egg-info .coverage htmlcov .hypothesis .mypy_cache .pytest_cache .ruff_cache \
		.import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
