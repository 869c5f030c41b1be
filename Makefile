# Two commands matter: `make demo` and `make test`. Both need Python 3.11 or later and make, and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test check slow fuzz endurance bench other-pythons clean

demo: $(READY)  ## 5,000 synthesized rows with their report; fifty programs as rows, validated, scored, described
	$(BIN)/python examples/demo.py demo-out

test: check  ## style, types, layering, and every quick test
	$(BIN)/pytest -q -n 2 -m "not slow"

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

slow: $(READY)  ## a thousand timeouts, and whatever else takes minutes
	$(BIN)/pytest -q -m slow

fuzz: $(READY)  ## a million completions, random and mutated
	$(BIN)/python tests/fuzz_answers.py --count 1000000 --seed 0 --workers 2

endurance: $(READY)  ## twenty thousand candidates, a tenth of them hostile
	$(BIN)/python tests/endurance.py

bench: $(READY)  ## speeds, each as a ratio to a baseline of the same run
	$(BIN)/python bench/run.py
	$(BIN)/python bench/build.py
	$(BIN)/python bench/sandbox.py
	$(BIN)/python bench/unit_tests.py
	$(BIN)/python bench/evaluate.py

other-pythons: $(READY)  ## the same labels, byte for byte, on the other Pythons that are installed
	$(BIN)/python tests/other_pythons.py

$(READY): pyproject.toml
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'execverify needs Python 3.11 or later: make PYTHON=python3.11 ...')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) demo-out
