// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Writing a file: all of it or nothing, readable by its owner only.
 *
 *	err = output_file_create(path, &file);	// file->stream is to be written to
 *	…
 *	err = output_file_finish(file);		// now the file is there
 *	output_file_destroy(file);		// without finish: nothing is left behind
 */
#pragma once

#include "base/cleanup.h"

#include <stdint.h>
#include <stdio.h>

struct error;

struct output_file {
	FILE *stream;
	char *path, *temporary;
};

/** It is written beside @p path under another name, mode 0600. */
struct error *output_file_create(const char *path, struct output_file **ret);
/** Is all of it written? Then put it on disk and give it its name. */
struct error *output_file_finish(struct output_file *file, uint64_t *ret_bytes);
void output_file_destroy(struct output_file *file);
DEFINE_CLEANUP(struct output_file *, output_file_destroy)
