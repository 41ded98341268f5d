# Two commands do everything on a fresh machine: `make train` and `make test`.
VENV := .venv
PYTHON := $(VENV)/bin/python
PIP_INSTALL := $(PYTHON) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: train test lint docs benchmark clean

train: $(VENV)/.installed  ## Train on the embedded digits and say where the results lie.
	$(VENV)/bin/vael train digits

test: $(VENV)/.tested lint  ## Run the whole suite.
	OMP_NUM_THREADS=1 $(PYTHON) -m pytest --numprocesses auto --maxprocesses 8 --dist loadfile

lint: $(VENV)/.tested
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/pyright

docs: $(VENV)/.documented  ## Build the documentation site into site/, from docs/ and the docstrings, without a network.
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" NO_MKDOCS_2_WARNING=true mkdocs build --strict --quiet
	@echo "The site lies in site/: open site/index.html"

benchmark: $(VENV)/.installed  ## Compare the speed with the peers'; needs $$VAEL_DATA, 2 GB of disk and a quarter of an hour.
	$(PYTHON) benchmarks/peers.py
	$(PYTHON) benchmarks/training_speed.py --network basic --output docs/performance/basic.md
	$(PYTHON) benchmarks/training_speed.py --network conv-faces --output docs/performance/conv-faces.md
	$(PYTHON) benchmarks/whole_runs.py --output docs/performance/whole-runs.md

$(VENV)/.installed: pyproject.toml constraints.txt
	python3 -m venv $(VENV)
	$(PIP_INSTALL) --editable '.[tables,tsne,studio,flows,sweep,compress]'
	touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(PIP_INSTALL) --editable '.[tables,tsne,studio,flows,sweep,test]'
	touch $@

$(VENV)/.documented: $(VENV)/.installed
	$(PIP_INSTALL) --editable '.[tables,studio,flows,sweep,docs]'
	touch $@

clean:
	rm -rf $(VENV) .peers build dist site
