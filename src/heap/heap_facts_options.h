// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What is kept of a heap besides its graph (heap_facts.h).
 */
#pragma once

#include <stdbool.h>

struct heap_facts_options {
	/** Keep what strings and numbers are, not only what they are called; also numbers that are keys. */
	bool with_content;
};
