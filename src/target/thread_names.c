// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/thread_names.h"

#include "base/alloc.h"
#include "base/error.h"
#include "target/procfs.h"

#include <stdio.h>
#include <string.h>

void thread_names_read(pid_t pid, struct target_thread *threads, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *text = NULL;
		size_t size;

		threads[i].id_inside = proc_id_inside(threads[i].id);
		error_destroy(proc_read(&text, &size, sizeof(threads[i].name),
			"/proc/%d/task/%d/comm", pid, threads[i].id));
		if (text) {
			text[strcspn(text, "\n")] = '\0';
			snprintf(threads[i].name, sizeof(threads[i].name), "%s", text);
		}
		mem_free(text);
	}
}

struct error *thread_list_create(
	const struct stopped_threads *stopped, struct target_thread **ret, size_t *ret_count)
{
	struct target_thread *threads = mem_calloc(stopped->count, sizeof(*threads));
	size_t count = 0;

	if (!threads)
		return error_enomem();
	for (size_t i = 0; i < stopped->count; i++) {
		if (!stopped->items[i].stopped)
			continue;
		threads[count].id = stopped->items[i].id;
		machine_describe_thread(&stopped->items[i].registers, &threads[count]);
		count++;
	}
	*ret = threads;
	*ret_count = count;
	return NULL;
}
