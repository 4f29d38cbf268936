# `make demo` and `make test` each do all set-up in .venv on a fresh machine (Python >= 3.11, make, internet).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint wheel docs clean
demo: $(VENV)/.installed
	$(BIN)/truetwin demo --output truetwin-demo

test: $(VENV)/.installed-dev lint
	$(BIN)/python -m pytest

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	@echo "installing into $(VENV); this takes a minute or two ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	@echo "installing into $(VENV) with everything for tests; this takes a few minutes ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@ $(VENV)/.installed

wheel: $(VENV)/.installed-dev
	$(BIN)/python -m build --wheel --outdir dist .
	@echo "install it anywhere with: pip install $$(ls -t dist/*.whl | head -1)"

docs: $(VENV)/.installed-dev
	$(BIN)/sphinx-build -W --keep-going -q -b html docs build/docs
	@echo "documentation: build/docs/index.html"

clean:
	rm -rf $(VENV) truetwin-demo dist build .pytest_cache .mypy_cache .ruff_cache
