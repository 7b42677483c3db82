# Two commands that need nothing but Python 3.11 or later and make:
#   make demo   sets up, trains on the sample taxonomy, builds an index, searches it
#   make test   sets up, checks and tests everything
# and for the documentation:
#   make docs   generates the reference from the code, builds the website into site/
PYTHON ?= python3
BIN := .venv/bin
SETUP := .venv/.set-up
DEMO := .demo
DEMO_STEPS := 100

.PHONY: demo test docs
.DELETE_ON_ERROR:

demo test: export SKILLSEARCH_QDRANT_URL =
demo: export SKILLSEARCH_HOME = $(DEMO)
demo: export SKILLSEARCH_MODELS =

demo: $(DEMO)/index/CURRENT
	@$(BIN)/skillsearch search "Data Scientist" "Nurse" "Electrician" --limit 10
	@echo 'This was the sample taxonomy. For ESCO, download a release in CSV form from'
	@echo 'https://esco.ec.europa.eu/en/use-esco/download, then, with each zip given once:'
	@echo '  $(BIN)/skillsearch train   --esco ESCO.zip'
	@echo '  $(BIN)/skillsearch reindex --esco ESCO.zip'
	@echo '  $(BIN)/skillsearch search "Data Scientist"'

test: $(SETUP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile

docs: $(SETUP)
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

$(DEMO)/index/CURRENT: $(DEMO)/models/manifest.json
	$(BIN)/skillsearch reindex --sample

$(DEMO)/models/manifest.json: $(SETUP)
	@test -f $@ || $(BIN)/skillsearch train --sample --set max_steps=$(DEMO_STEPS)
	@touch $@

$(SETUP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Python 3.11 or later is needed: make PYTHON=python3.12 ...' >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[compact,train,docs,dev]'
	@touch $@
