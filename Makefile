# The workshop's front door. Everything comes into .venv and runs from there; only `make test` touches the system,
# to install the packages named in .ci/packages.txt.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check --no-input

.DEFAULT_GOAL := help
.PHONY: help run tools test check walls pure-node pure-streets pure-mesh pure-rest bench scenarios image image-test format texts clean

help:
	@echo "make run     a neighbourhood of three nodes on http://127.0.0.1:8080, 8081 and 8082; Ctrl-C ends it"
	@echo "make tools   the program alone, for who makes cards: $(BIN)/hedgerow provision --help"
	@echo "make test    every test, with real parts (installs missing system packages with apt-get)"
	@echo "make check   style, types, import rules and the pure tests but the longest; no network once set up"
	@echo "make bench   the benchmarks, written to bench-results.json"
	@echo "make scenarios  simulated streets under many seeds, SEEDS='1 2 3' of your choice; takes hours"
	@echo "make image   the image of an SD card, as root: up to forty minutes, later ones a few"
	@echo "make image-test  start it in an emulated board, and look at it from outside: long, for all of it is emulated"
	@echo "make format  put the code into its one form"
	@echo "make texts   the catalogue of what translators translate"
	@echo "make clean   remove what make made"

run: $(VENV)/run.stamp
	@exec $(BIN)/hedgerow demo

tools: $(VENV)/run.stamp
	@echo "$(BIN)/hedgerow is ready; try: $(BIN)/hedgerow provision --help"

# Most tests wait for timers of others and leave the processor alone, so there is one worker more than a small machine has
# cores. A file's tests stay together, for they share what they have set up; long files come first (tests/conftest.py).
WORKERS ?= 3

test: $(VENV)/test.stamp
	@.ci/system-packages
	@$(MAKE) --no-print-directory walls
	$(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder

PURE_PARTS := pure-node pure-streets pure-mesh pure-rest

check: walls
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target $(PURE_PARTS)

# Two at a time, the longer ones first: the tests share nothing, and a small machine has two cores.
PURE := $(BIN)/python -m pytest -q -m "not real and not long"
STREETS := tests/appliance/simulation tests/appliance/bench

pure-node:
	$(PURE) tests/appliance $(STREETS:%=--ignore=%)

pure-streets:
	$(PURE) $(STREETS)

pure-mesh:
	$(PURE) tests/mesh

pure-rest:
	$(PURE) --ignore=tests/appliance --ignore=tests/mesh

walls: $(VENV)/test.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(VENV)/run.stamp
	{ echo '[' && $(BIN)/hedgerow bench air --json && echo ',' && $(BIN)/hedgerow bench portal --json && echo ',' \
		&& $(BIN)/hedgerow bench scale --json && echo ']'; } > bench-results.json.part
	@mv bench-results.json.part bench-results.json
	@cat bench-results.json

# A seed that fails says how to see it again; the others go on.
SEEDS ?= $(shell seq 1 100)

scenarios: $(VENV)/run.stamp
	@failed=0; for seed in $(SEEDS); do for street in storm echo narrow credit alarm behind heal20; do \
		echo "$$street, seed $$seed"; \
		$(BIN)/hedgerow simulate tests/scenarios/$$street.yaml --seed $$seed > /dev/null || failed=1; \
	done; done; exit $$failed

# Programs that only these two need; the emulated ones run through a rule that the kernel is told once after each start.
IMAGE_PACKAGES := mmdebstrap qemu-user-static qemu-system-arm arch-test dosfstools fdisk mtools nbdkit device-tree-compiler

image: $(VENV)/run.stamp
	@.ci/foreign-programs $(IMAGE_PACKAGES)
	$(BIN)/hedgerow provision image --output hedgerow.img

image-test: $(VENV)/test.stamp
	@.ci/system-packages
	@.ci/foreign-programs $(IMAGE_PACKAGES)
	@[ -f hedgerow.img ] || $(MAKE) --no-print-directory image
	HEDGEROW_IMAGE=hedgerow.img $(BIN)/python -m pytest -s -o faulthandler_timeout=3600 tests/provisioning/on_a_board.py

format: $(VENV)/test.stamp
	$(BIN)/ruff check --fix-only --select I
	$(BIN)/ruff format

# Without the date: it said nothing that history does not, and two who changed texts at the same time met there.
TEXTS := webui/translations/messages.pot

texts: $(VENV)/test.stamp
	@$(BIN)/pybabel -q extract -F webui/translations/babel.cfg --add-location file --project Hedgerow -o $(TEXTS) .
	@sed -i '/^"POT-Creation-Date:/d' $(TEXTS)

clean:
	rm -rf $(VENV) demo-data bench-results.json .mypy_cache .ruff_cache .pytest_cache .hypothesis .schemathesis .import_linter_cache

# The stamps are written last, so an interrupted installation starts again. An editable installation has
# two flavours; the one with the tests' tools serves `make run` as well.
$(VENV)/made:
	@echo "Setting up $(VENV) (once; a few minutes) ..."
	@python3 -m venv $(VENV)
	@touch $@

$(VENV)/run.stamp: pyproject.toml | $(VENV)/made
	@echo "Installing what Hedgerow runs on ..."
	@$(PIP) install --editable .
	@touch $@

$(VENV)/test.stamp: pyproject.toml | $(VENV)/made
	@echo "Installing what Hedgerow runs on and is tested with ..."
	@$(PIP) install --editable '.[test]'
	@touch $(VENV)/run.stamp $@
