// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/** core-sample FILE: a small core file, for fuzzers to begin with. */
#include "core_writer.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>

#define PAGE ((uint64_t)CORE_WRITER_PAGE)

int main(int argc, char **argv)
{
	static const struct core_writer_segment segments[] = {
		{0x10000, 2 * PAGE, NULL, 2 * PAGE, PF_R | PF_W},
		{0x20000, PAGE, NULL, PAGE, PF_R},
		{0x21000, PAGE, NULL, 0, PF_R | PF_X},
		{0x30000, PAGE, NULL, PAGE, PF_R | PF_W},
	};
	static const struct core_writer_file files[] = {
		{0x20000, 0x21000, 0, "/lib/libone.so"},
		{0x21000, 0x22000, PAGE, "/lib/libone.so"},
	};
	static const struct core_writer writer = {
		.segments = segments,
		.segment_count = 4,
		.files = files,
		.file_count = 2,
		.pid = 42,
		.name = "one",
		.threads = {43, 42},
		.program_headers = 0x20040,
		.random = 0x30010,
	};
	size_t size;
	char *bytes = core_writer_finish(&writer, &size);
	FILE *out = argc == 2 && bytes ? fopen(argv[1], "w") : NULL;
	int is_written = out && fwrite(bytes, size, 1, out) == 1 && fclose(out) == 0;

	free(bytes);
	return is_written ? 0 : 1;
}
