# Two commands that need nothing but Python 3.11 or later and make:
#   make demo   sets up without torch, indexes the sample taxonomy with the models of weights/, searches it
#   make test   sets up, checks and tests everything
# and for the documentation:
#   make docs   generates the reference from the code, builds the website into site/
PYTHON ?= python3
BIN := .venv/bin
SETUP := .venv/.set-up
DEMO := .demo
DEMO_BIN := $(DEMO)/venv/bin
PIP_INSTALL := pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test docs
.DELETE_ON_ERROR:

demo test: export SKILLSEARCH_QDRANT_URL =
demo: export SKILLSEARCH_HOME = $(DEMO)
demo: export SKILLSEARCH_MODELS = compact

demo: $(DEMO)/index/CURRENT
	@$(DEMO_BIN)/skillsearch search "Data Scientist" "Nurse" "Electrician" --limit 10
	@echo 'This was the sample taxonomy. For ESCO, download a release in CSV form from'
	@echo 'https://esco.ec.europa.eu/en/use-esco/download, then, with each zip given once:'
	@echo '  $(DEMO_BIN)/skillsearch reindex --esco ESCO.zip'
	@echo '  $(DEMO_BIN)/skillsearch search "Data Scientist"'

test: $(SETUP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile

docs: $(SETUP)
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

$(DEMO)/index/CURRENT: $(DEMO)/venv/.set-up
	$(DEMO_BIN)/skillsearch reindex --sample

$(DEMO)/venv/.set-up: pyproject.toml constraints.txt weights/pyproject.toml
	@$(NEW_ENOUGH)
	$(PYTHON) -m venv $(DEMO)/venv
	$(DEMO_BIN)/$(PIP_INSTALL) --editable . ./weights
	@touch $@

$(SETUP): pyproject.toml constraints.txt
	@$(NEW_ENOUGH)
	$(PYTHON) -m venv .venv
	$(BIN)/$(PIP_INSTALL) --editable '.[compact,train,docs,dev]'
	@touch $@

NEW_ENOUGH = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo 'Python 3.11 or later is needed: make PYTHON=python3.12 ...' >&2; exit 1; }
