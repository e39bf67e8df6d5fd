# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
# A thin layer over Meson and the scripts in tools/: what a person types.
BUILD ?= build

.PHONY: build setup demo test soak bench install clean

build: setup
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD)
	@ninja -C $(BUILD)

setup:
	@tools/install-dependencies build

bench: build
	@python3 tests/bench/run_bench.py --build $(BUILD)

install: build
	meson install -C $(BUILD)

clean:
	rm -rf $(BUILD)
