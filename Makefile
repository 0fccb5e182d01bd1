# Every command creates what it needs in .venv and build; `make help` lists them.

PYTHON ?= python3
VENV   ?= .venv
PYTEST ?=
BENCH  ?=
FUZZ_SECONDS ?= 720
bin    := $(VENV)/bin
pip    := $(bin)/python -m pip --disable-pip-version-check -q
# pip has -C for --config-settings since 23.1, and Debian 12 has 23.0.
install = $(pip) install --no-build-isolation --config-settings=cmake.define.CHAINRULE_TESTS=ON
built   = build/$(shell $(bin)/python -c 'import sys; print(sys.implementation.cache_tag)')
cmake  := PATH="$(CURDIR)/$(bin):$$PATH" $(bin)/cmake

sources   := CMakeLists.txt pyproject.toml README.md $(shell find src tests/native -type f \
               -not -name '*.so' -not -path '*/__pycache__/*' 2>/dev/null)
cpp_files  = $(shell find src tests -name '*.[chi]pp' -o -name '*.inl')

.DEFAULT_GOAL := help
.PHONY: help demo test quick lint format build docs bench fuzz sanitize wheel clean

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/installed  ## install the package into .venv and train on the handwritten digits
	$(bin)/chainrule fit

test: $(VENV)/test-tools lint  ## lint, types, native and Python tests, the examples in the docstrings
	$(built)/test_engine
	$(bin)/python -m pytest $(PYTEST)
	$(bin)/python -m pytest -q --doctest-modules --pyargs chainrule

quick: $(VENV)/test-tools  ## the tests that take less than a few seconds each
	$(bin)/python -m pytest -q -m "not slow" $(PYTEST)

lint: $(VENV)/test-tools  ## ruff, clang-format, mypy, who may import and include whom
	$(bin)/ruff check
	$(bin)/ruff format --check
	$(bin)/clang-format --dry-run --Werror $(cpp_files)
	$(bin)/mypy
	PYTHONPATH=src $(bin)/lint-imports --no-logo --no-cache
	$(bin)/python -m pytest -q tests/test_includes.py

format: $(VENV)/test-tools  ## let ruff and clang-format rewrite the files
	$(bin)/ruff check --fix
	$(bin)/ruff format
	$(bin)/clang-format -i $(cpp_files)

build: $(VENV)/build-tools  ## compile the engine into src, for work with PYTHONPATH=src
	$(cmake) -S . -B build/dev -G Ninja -DPython_EXECUTABLE="$(CURDIR)/$(bin)/python" \
	  -DCHAINRULE_TESTS=ON
	$(cmake) --build build/dev
	$(cmake) --install build/dev --prefix src

docs: $(VENV)/docs-tools  ## the documentation, into build/docs/html; warnings are errors
	rm -rf docs/generated
	$(bin)/python -m sphinx -W --keep-going -q -b html -d build/docs/doctrees docs build/docs/html
	@echo "file://$(CURDIR)/build/docs/html/index.html"

bench: $(VENV)/installed  ## measure beside scikit-learn, PyTorch and JAX, those that are installed; BENCH="--quick" passes options on
	$(pip) install --no-build-isolation '.[bench]'
	$(bin)/python -m benchmarks $(BENCH)

fuzz: $(VENV)/test-tools  ## an hour of damaged and hostile files, tables and calls, other ones each time
	CHAINRULE_FUZZ_SECONDS=$(FUZZ_SECONDS) CHAINRULE_FUZZ_SEED=$$(date +%s) \
	$(bin)/python -m pytest tests/fuzz -m slow -rP $(PYTEST)

sanitize: sanitize-address sanitize-undefined sanitize-thread  ## the engine's tests under the compiler's sanitizers

wheel: $(VENV)/build-tools  ## source archive and wheel into dist, and the wheel's size checked
	rm -rf dist
	$(pip) install build
	$(bin)/python -m build
	@ls -l dist
	@test -z "$$(find dist -name '*.whl' -size +5000k)" || { echo "The wheel must stay under 5 MB."; exit 1; }

clean:  ## remove .venv, builds and caches
	rm -rf $(VENV) build dist docs/generated .pytest_cache .mypy_cache .ruff_cache .hypothesis src/chainrule/_engine/_core.*.so
	find src tests examples benchmarks -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# --- what the commands need -------------------------------------------------------------------------------------

# Debian's python3 can make an environment but not put pip into it unless python3-venv is installed.
$(bin)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "chainrule needs Python 3.11 or newer, but \
	$(PYTHON) is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 \
	|| { $(PYTHON) -m venv --clear --without-pip $(VENV) && $(PYTHON) -m pip --python $@ install -q pip; } \
	|| { rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment. On Debian or Ubuntu:" \
	     "sudo apt-get install python3-venv"; exit 1; }

# The build's requirements live in .venv too, so that a second build is incremental; `pip install .` fetches its own.
$(VENV)/build-tools: pyproject.toml | $(bin)/python
	$(pip) install cmake ninja $$($(bin)/python -c 'import tomllib; \
	  print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"])')
	@touch $@

# pip would be silent for minutes: its output (-vv undoes -q) is kept, and the compiler's progress is shown.
$(VENV)/installed: $(sources) | $(VENV)/build-tools
	@echo "Installing chainrule into $(VENV). The first time its engine is compiled: 3 to 5 minutes on two cores."
	@mkdir -p build
	@{ $(install) -vv . 2>&1 && touch $@.new; } | tee build/install.log \
	  | { grep --line-buffered -E '^ *\[[0-9]+/[0-9]+\] ' || true; }
	@mv $@.new $@ 2>/dev/null || { cat build/install.log; echo "The installation failed; its output is above" \
	  "and in build/install.log."; exit 1; }

$(VENV)/test-tools: $(VENV)/installed
	$(install) '.[test,lint]'
	@touch $@

$(VENV)/docs-tools: $(VENV)/installed
	$(install) '.[docs]'
	@touch $@

# --- sanitizers -------------------------------------------------------------------------------------------------

# Python itself is not instrumented, so the sanitizer's runtime is loaded before it, and libstdc++ with it, whose
# exceptions the runtime wants to see. Python leaks by design (detect_leaks=0), and tests ask for absurd amounts of
# memory, which must fail as they do elsewhere (allocator_may_return_null=1). OpenBLAS stays single-threaded: its locks
# are not instrumented either.
sanitize-address:   runtime = libasan.so
sanitize-undefined: runtime = libubsan.so
sanitize-thread:    runtime = libtsan.so
sanitize-%: options = detect_leaks=0:allocator_may_return_null=1:halt_on_error=1:print_stacktrace=1
sanitize-%: library = $$($${CXX:-c++} -print-file-name=$(1))
sanitize-%: $(VENV)/test-tools
	$(cmake) -S . -B build/$@ -G Ninja -DPython_EXECUTABLE="$(CURDIR)/$(bin)/python" \
	  -DCHAINRULE_TESTS=ON -DCHAINRULE_SANITIZE=$*
	$(cmake) --build build/$@
	rm -rf build/$@/python && mkdir build/$@/python && cp -R src/chainrule build/$@/python/
	rm -f build/$@/python/chainrule/_engine/_core.*.so
	$(cmake) --install build/$@ --prefix build/$@/python
	build/$@/test_engine
	PYTHONPATH=build/$@/python OPENBLAS_NUM_THREADS=1 PYTHONMALLOC=malloc \
	ASAN_OPTIONS=$(options) UBSAN_OPTIONS=$(options) TSAN_OPTIONS=$(options) \
	LD_PRELOAD="$(call library,$(runtime)) $(call library,libstdc++.so.6)" \
	$(bin)/python -m pytest -q -p no:cacheprovider --capture=sys tests/engine $(PYTEST)
