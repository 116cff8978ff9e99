# The front door. CMake does the work; CMakePresets.json names the kinds of build.
#
#   JOBS           parallel compilations and tests (as many as there are processors)
#   FUZZ_SECONDS   how long `make fuzz` gives each fuzzer (20)
#   PREFIX         where `make install` puts things (/usr/local)
#   TESTS          a regular expression: only the tests whose name matches (not of test-long)

JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 20
PREFIX ?= /usr/local
TESTS ?= .

INSTALL := tools/install_dependencies.sh
# Asked by the recipe's own shell, because the line before it may just have installed ccache.
LAUNCHER := $$(command -v ccache >/dev/null && echo -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
CTEST = ctest --parallel $(JOBS) --output-on-failure --no-tests=error --timeout $(1) \
    --tests-regex '$(or $(2),$(TESTS))'

# What precompiled headers take, and what no file of ours uses.
export CCACHE_SLOPPINESS ?= pch_defines,time_macros

# The test programs of the modules that use threads.
THREADED := $(sort $(foreach file,$(shell grep -lE '^\#include <(thread|mutex|future|boost/asio)' \
    -r src --include='*.h' --include='*.cpp'),$(word 2,$(subst /, ,$(file)))_test))

# Suites of theirs in which one thread ruins disks in many ways; nobody races there.
ALONE := Power|SqliteFault|StoreSalvage|GrowingStore|StoreConformance|StoreKey

# The suites that do more in a long run: those of the files that ask for their effort.
SCALED = $(shell grep -rl 'base/test_effort.h' src apps tests --include='*_test.cpp' \
    --include='*_suite.h' \
    | xargs sed -nE 's/^TEST(_[FP])?.(\w+),.*/\2/p' | sort -u)

# configure PRESET OPTIONS, compile FOLDER TARGETS: build noise goes to stderr.
configure = cmake --preset $(1) $(LAUNCHER) $(2) >&2
compile = cmake --build $(1) --parallel $(JOBS) $(if $(2),--target $(2)) >&2

# A first `make build` or `make bench` asks for no test library; later ones keep what is set up.
BARE := -DMESHCHAIN_TESTS=OFF -DMESHCHAIN_BENCH=OFF
space := $(subst ,, )

.PHONY: help build demo test test-long sim-night sim-broken bench install fuzz lint format sanitize tsan clean
.DEFAULT_GOAL := help

help:
	@echo 'make build     build/meshchain, optimised'
	@echo 'make demo      five nodes that pay each other and survive killing one'
	@echo 'make test      every test'
	@echo 'make test-long the tests that scale, in full: hours'
	@echo 'make sim-night fresh seeds of the simulated world until stopped'
	@echo 'make sim-broken breaks rules on purpose, and must catch each'
	@echo 'make bench     the benchmarks, one line a workload'
	@echo 'make install   program, library and service under PREFIX, staged in DESTDIR'
	@echo 'make fuzz      every fuzzer for FUZZ_SECONDS'
	@echo 'make lint      formatting, static analysis, rules of the house'
	@echo 'make format    put the sources into the agreed layout'
	@echo 'make sanitize  every test under AddressSanitizer and UBSan'
	@echo 'make tsan      the tests that use threads, under ThreadSanitizer'
	@echo 'make clean     remove what was built'

build:
	@$(INSTALL) build
	@$(call configure,release,$(if $(wildcard build/CMakeCache.txt),,$(BARE)))
	@$(call compile,build,meshchain)

demo: build
	@build/meshchain demo

test:
	@$(INSTALL) build test
	@$(call configure,release,-DMESHCHAIN_TESTS=ON -DMESHCHAIN_BENCH=OFF)
	@$(call compile,build)
	@$(call CTEST,120) --test-dir build

# In a folder of its own, where the tests themselves are optimised: disks in memory are part of them.
test-long:
	@$(INSTALL) build test
	@$(call configure,release,-B build-long -DMESHCHAIN_TESTS=ON -DMESHCHAIN_BENCH=OFF \
	    -DMESHCHAIN_TEST_OPTIMIZATION=-O2)
	@$(call compile,build-long)
	@MESHCHAIN_LONG=1 $(call CTEST,14400,(^|/)($(subst $(space),|,$(SCALED)))[.]) \
	    --test-dir build-long

sim-night: build
	@tools/sim_night.sh build/meshchain $(JOBS)

sim-broken:
	@$(INSTALL) build
	@tools/break_rules.sh $(JOBS)

bench:
	@$(INSTALL) build bench
	@$(call configure,release,$(if $(wildcard build/CMakeCache.txt),,$(BARE)) -DMESHCHAIN_BENCH=ON)
	@$(call compile,build,meshchain_bench)
	@build/meshchain_bench

sanitize:
	@$(INSTALL) build test fuzz
	@$(call configure,dev)
	@$(call compile,build-dev)
	@$(call CTEST,120) --test-dir build-dev

tsan:
	@$(INSTALL) build test
	@$(call configure,tsan)
	@$(call compile,build-tsan,$(THREADED))
	@$(call CTEST,120) --test-dir build-tsan --label-regex '^($(subst $(space),|,$(THREADED)))$$' \
	    --exclude-regex '$(ALONE)'

fuzz:
	@$(INSTALL) build test fuzz
	@$(call configure,dev)
	@$(call compile,build-dev,meshchain_fuzzers)
	@tools/run_fuzzers.sh build-dev $(FUZZ_SECONDS) $(JOBS)

install:
	@$(INSTALL) build
	@$(call configure,release,$(if $(wildcard build/CMakeCache.txt),,$(BARE)))
	@$(call compile,build,meshchain meshchain_library)
	@if cmake --build build --target help | grep -q meshchain_docs; then \
	    cmake --build build --target meshchain_docs >&2; fi
	@cmake --install build --prefix '$(PREFIX)'

lint:
	@$(INSTALL) build test bench lint
	@tools/lint.sh $(JOBS)

format:
	@$(INSTALL) lint
	@git ls-files -co --exclude-standard '*.h' '*.cpp' | xargs clang-format-19 -i

clean:
	rm -rf build build-long build-dev build-tsan build-lint
