# Two commands for a user: `make datasheet` and `make test`. PYTHON picks the interpreter (3.11-3.13).
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DESIGN ?= embedded_8mb_28nm

.PHONY: datasheet picture test campaign lint bench docs cells clean

$(BIN)/tantala: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[pdf]'
	$(BIN)/python -m tantala.cli.compile_kernels
	@touch $@

$(VENV)/.test: $(BIN)/tantala
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

$(VENV)/.lint: $(BIN)/tantala
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[lint]'
	@touch $@

$(VENV)/.docs: $(BIN)/tantala
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[docs]'
	@touch $@

datasheet: $(BIN)/tantala  ## Write the datasheet of DESIGN (HTML, PDF, JSON) into datasheet/
	$(BIN)/tantala datasheet $(DESIGN) -o datasheet

picture: datasheet  ## Render the README's pictures, of the datasheet (needs pdftoppm) and of an array
	$(BIN)/python docs/figures/datasheet_picture.py datasheet/$(DESIGN).pdf docs/images/datasheet.png
	$(BIN)/python docs/figures/array_memory.py docs/images/array.svg

test: $(VENV)/.test  ## Run every test
	$(BIN)/python -m pytest -n auto

campaign: $(VENV)/.test  ## Run the long campaigns (power cuts, fuzzing) with their full counts
	TANTALA_CAMPAIGN=1 $(BIN)/python -m pytest -n auto -s -m campaign

lint: $(VENV)/.lint  ## Format, style, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

bench: $(VENV)/.test  ## Print speeds, and ratios to peers measured in the same run
	$(BIN)/python -m benchmarks

docs: $(VENV)/.docs  ## Build the documentation into docs/_build
	$(BIN)/python -m sphinx -W -q -b html docs docs/_build

cells: $(BIN)/tantala  ## Re-make the fitted library cells from the measured data (TANTALA_DATA)
	$(BIN)/python -m tantala.cell.fit

clean:
	rm -rf $(VENV) datasheet docs/_build
