# make demo          install, fine-tune on the built-in dataset, paint the person of the built-in photograph
# make test          install, run the tests
# make lint          install, check style and types
# make test-oldest   the tests but for whole runs, on the oldest dependencies that pyproject.toml allows
PYTHON ?= python3
VENV := .venv
OLDEST := .venv-oldest
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEMO := outputs/demo
# a test uses one thread; those of a file share what they have trained
PYTEST := python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile

.PHONY: demo test test-oldest lint install clean

demo: $(INSTALLED)
	rm -rf $(DEMO)
	$(BIN)/pochoir train_seg experiment=demo hydra.run.dir=$(DEMO)/train_seg
	$(BIN)/pochoir partial experiment=portrait hydra.run.dir=$(DEMO)/partial
	@echo
	@echo "Predictions:  $(DEMO)/train_seg/predictions/sheet.png"
	@echo "Figure:       $(DEMO)/partial/figure.png"
	@echo "TensorBoard:  $(BIN)/tensorboard --logdir $(DEMO)"

test: $(INSTALLED)
	$(BIN)/$(PYTEST)

test-oldest: $(OLDEST)/.installed
	$(OLDEST)/bin/$(PYTEST) --ignore=tests/studio --ignore=tests/runs --ignore=tests/experiments --ignore=tests/test_docs.py

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

install: $(INSTALLED)

$(INSTALLED): EXTRAS := dev,studio-test
$(OLDEST)/.installed: EXTRAS := dev
$(INSTALLED): pyproject.toml constraints.txt
$(OLDEST)/.installed: pyproject.toml constraints-oldest.txt
$(INSTALLED) $(OLDEST)/.installed:
	test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(word 2,$^) --editable '.[$(EXTRAS)]'
	touch $@

clean:
	rm -rf $(VENV) $(OLDEST) $(DEMO)
