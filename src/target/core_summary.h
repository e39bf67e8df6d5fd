// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What a core file lacks, in sentences for a person.
 */
#pragma once

#include "target/core_segments.h"

struct core_findings {
	const struct core_gaps *gaps;
	const struct core_segments *segments;
	const struct core_binaries *binaries;
	const char *program;
	size_t empty_stacks; /* of threads */
};

struct core_summary {
	char **notes; /* a sentence each, without a full stop. Owned */
	size_t note_count;
	char *all; /* of them, one behind the other. Owned */
	/** The program, libpython or memory is not there: the interpreter may be in it. */
	bool lacks_interpreter;
};

struct error *core_summary_create(const struct core_findings *findings, struct core_summary *ret);
void core_summary_deinit(struct core_summary *summary);
