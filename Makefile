# Two commands matter: `make demo` and `make test`. Both need Python 3.11 or later and make, and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TORCH ?= torch==2.13.0
READY := $(VENV)/.ready

.PHONY: demo test check slow fuzz endurance bench other-pythons verl verifiers clean

demo: $(READY)  ## 5,000 synthesized rows with their report; fifty programs as rows, validated, scored; evaluations; a tiny model trained
	$(BIN)/python examples/demo.py demo-out

test: check  ## style, types, layering, and every quick test; one file in one process, which shares what is trained or built for it
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n 2 --dist loadfile -m "not slow"

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

slow: $(READY)  ## a thousand timeouts, and whatever else takes minutes
	$(BIN)/pytest -q -m slow

fuzz: $(READY)  ## a million completions, random and mutated
	$(BIN)/python -m tests.fuzz.answers --count 1000000 --seed 0 --workers 2

endurance: $(READY)  ## twenty thousand candidates, a tenth of them hostile
	$(BIN)/python -m tests.soak

bench: $(READY)  ## speeds, each as a ratio to a baseline of the same run
	$(BIN)/python bench/run.py
	$(BIN)/python bench/build.py
	$(BIN)/python bench/sandbox.py
	$(BIN)/python bench/unit_tests.py
	$(BIN)/python bench/parsing.py
	$(BIN)/python bench/evaluate.py
	if [ -d demo-out/training/sft ]; then $(BIN)/python bench/training.py demo-out/training; fi

other-pythons: $(READY)  ## the same labels, byte for byte, on the other Pythons that are installed
	$(BIN)/python -m tests.cross_version

verl: $(READY) .venv-verl/.ready  ## what verl itself says of our settings, files and rewards; in an environment of its own
	EXECVERIFY_VERL_PYTHON=.venv-verl/bin/python $(BIN)/pytest -q tests/training/test_training_verl.py

verifiers: $(READY) .venv-verifiers/.ready  ## our tasks by the commands of Prime Intellect's library; likewise
	EXECVERIFY_VERIFIERS_PYTHON=.venv-verifiers/bin/python $(BIN)/pytest -q tests/training/test_training_verifiers.py

# Training itself needs `verl[vllm]`; the checks need no GPU and no vLLM, and take any torch.
.venv-verl/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-verl
	.venv-verl/bin/pip install --quiet 'verl==0.9.1' 'torch==2.13.0' TransferQueue cachetools fastapi uvicorn pytest --editable '.[cli]'
	touch $@

.venv-verifiers/.ready: pyproject.toml environments/execverify_tasks/pyproject.toml
	$(PYTHON) -m venv .venv-verifiers
	.venv-verifiers/bin/pip install --quiet pytest --editable '.[cli]' --editable environments/execverify_tasks 'verifiers==0.4.0'
	touch $@

$(READY): pyproject.toml
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'execverify needs Python 3.11 or later: make PYTHON=python3.11 ...')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet '$(TORCH)'
	$(BIN)/python -m pip install --quiet --editable '.[dev,train]'
	touch $@

clean:
	rm -rf $(VENV) .venv-verl .venv-verifiers demo-out
