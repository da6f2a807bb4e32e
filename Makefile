# make demo   install, fine-tune on the built-in dataset, paint the person of the built-in photograph
# make test   install, run the tests
# make lint   install, check style and types
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEMO := outputs/demo

.PHONY: demo test lint install clean

demo: $(INSTALLED)
	rm -rf $(DEMO)
	$(BIN)/python scripts/train_seg.py experiment=demo hydra.run.dir=$(DEMO)/train_seg
	$(BIN)/python scripts/partial.py experiment=portrait hydra.run.dir=$(DEMO)/partial
	@echo
	@echo "Predictions:  $(DEMO)/train_seg/predictions/sheet.png"
	@echo "Figure:       $(DEMO)/partial/figure.png"
	@echo "TensorBoard:  $(BIN)/tensorboard --logdir $(DEMO)"

test: $(INSTALLED)
	$(BIN)/python -m pytest

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) $(DEMO)
