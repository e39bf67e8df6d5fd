# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
# A thin layer over Meson and the scripts in tools/: what a person types.
BUILD ?= build
# Warnings are errors where changes are judged, not where somebody builds a release.
STRICT = $(if $(CI),-Dwerror=true)

.PHONY: build static demo pythons test soak bench install clean

build:
	@tools/install-dependencies build
	@test -f $(BUILD)/build.ninja || meson setup $(STRICT) $(BUILD)
	@ninja -C $(BUILD)

# The command in one file that needs no other: for a container, or another machine. build-static/shikari
static:
	@tools/install-dependencies static
	@test -f $(BUILD)-static/build.ninja || \
		meson setup $(STRICT) -Dprefer_static=true -Dc_link_args=-static $(BUILD)-static
	@ninja -C $(BUILD)-static shikari
	@strip $(BUILD)-static/shikari

demo:
	@tools/install-dependencies demo
	@$(MAKE) --no-print-directory build
	@examples/flask-leak/run-demo --shikari $(BUILD)/shikari

# The interpreters of Debian's other suites, for tests: in build-pythons, which stays.
pythons:
	@tools/install-dependencies pythons
	@tools/get-pythons

# Everything that can be tested here. One suite: tools/run-tests --only NAME
test:
	@tools/install-dependencies test
	@tools/get-pythons || echo "testing with the interpreters that are here" >&2
	@tools/run-tests

# shikari killed at a thousand random instants of taking snapshots, two thousand of watching, and hundreds of gc
# and trim; twenty minutes. The fuzzers, ten minutes each.
soak:
	@tools/install-dependencies test
	@SHIKARI_SOAK=$${SHIKARI_SOAK:-1000} tools/run-tests --only system/capture_safety
	@SHIKARI_SOAK=$${SHIKARI_SOAK:-2000} tools/run-tests --only system/watch_safety
	@SHIKARI_SOAK=$${SHIKARI_SOAK:-1000} tools/run-tests --only system/calls
	@tests/run_fuzz.sh $${SHIKARI_SOAK_FUZZ:-600}

bench: build
	@tools/install-dependencies bench
	@python3 tests/bench/run_bench.py --build $(BUILD)

# DESTDIR for packages; PREFIX if it is not /usr/local.
install: build
	@$(if $(PREFIX),meson configure $(BUILD) -Dprefix=$(PREFIX))
	@DESTDIR="$(DESTDIR)" meson install -C $(BUILD)

clean:
	rm -rf $(BUILD) $(BUILD)-static build-asan build-fuzz
