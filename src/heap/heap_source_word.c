// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// What a word on a command line stands for, before anything is opened.
#include "heap/heap_open.h"

#include "base/error.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *heap_source_kind_name(enum heap_source_kind kind)
{
	static const char *const names[] = {
		[HEAP_SOURCE_PROCESS] = "process",
		[HEAP_SOURCE_CORE] = "core",
		[HEAP_SOURCE_FILE] = "snapshot",
	};

	return names[kind];
}

struct error *heap_source_read_word(const char *word, pid_t *ret_pid)
{
	unsigned long pid;

	if (!*word || word[strspn(word, "0123456789")] != '\0') {
		*ret_pid = 0;
		return access(word, F_OK) == 0 ? NULL
					       : error_create(ERROR_USAGE,
							 "'%s' is no process id, which is a "
							 "number, and no file that is here",
							 word);
	}
	pid = strtoul(word, NULL, 10);
	if (pid == 0 || pid > INT_MAX)
		return error_create(
			ERROR_USAGE, "'%s' is no process id: a file would be ./%s", word, word);
	*ret_pid = (pid_t)pid;
	return NULL;
}
