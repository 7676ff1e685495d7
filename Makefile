# make demo    the main job: measures the preset luo2016 and prints its table
# make test    the tests        make check   lint, format and types        make bench   the benchmarks
# make docs    the pages as a site: open site/index.html
# make gallery the examples of docs/examples.md, run and drawn in build/gallery
# make dist    the sdist and the wheel of a release, checked

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
EXTRAS ?= test
DEMO   ?= sqlite:///demo.db

.PHONY: demo test check bench docs gallery dist clean

demo: $(VENV)/erfsweep
	@$(BIN)/erfsweep --db $(DEMO) run luo2016 --format classic

test: $(VENV)/extras-$(EXTRAS)
	@$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/extras-check
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

bench: $(VENV)/extras-bench
	@$(BIN)/python -m benchmarks $(ARGS)

# A link that leads nowhere, and every other warning, ends the build.
docs: $(VENV)/extras-docs
	@$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --conf-dir docs . site

gallery: $(VENV)/extras-plot,onnx
	@$(BIN)/python -m gallery $(ARGS)

dist: $(VENV)/extras-dist
	@.ci/dist $(BIN)/python

clean:
	@rm -rf $(VENV) build dist site demo.db erfsweep.egg-info

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "erfsweep needs Python 3.11 or later")'
	@$(PYTHON) -m venv $(VENV)

# Installed as a user has it, compiled, so that the command starts quickly; again whenever its files change.
SOURCES := $(shell find erfsweep.py pipeline store cli -name '*.py' -o -name '*.yaml' -o -name '*.html' -o -name '*.css' -o -name '*.js')
$(VENV)/erfsweep: $(BIN)/python pyproject.toml $(SOURCES)
	@rm -rf build
	@echo "installing erfsweep into $(VENV)" >&2
	@$(BIN)/python -m pip install --quiet .
	@touch $@

$(VENV)/extras-%: $(VENV)/erfsweep
	@$(BIN)/python -m pip install --quiet '.[$*]'
	@touch $@
