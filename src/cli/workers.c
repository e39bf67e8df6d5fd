// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/workers.h"

#include "base/error.h"
#include "base/string_builder.h"
#include "target/procfs.h"

#include <stdio.h>
#include <sys/stat.h>

#define NAMED_MAX 3

static bool find_program(pid_t pid, struct stat *ret)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return stat(path, ret) == 0;
}

static bool runs(pid_t pid, const struct stat *program)
{
	struct stat other;

	return find_program(pid, &other) && other.st_dev == program->st_dev &&
	       other.st_ino == program->st_ino;
}

struct error *workers_note(pid_t pid, char **ret)
{
	_cleanup_(pid_vector_deinit) struct pid_vector children = {0};
	_cleanup_(string_builder_deinit) struct string_builder text = {0};
	struct stat program;
	struct error *err;
	size_t count = 0;

	*ret = NULL;
	if (!find_program(pid, &program))
		return NULL;
	err = proc_list_children(pid, &children);
	if (err)
		return err;
	for (size_t i = 0; i < children.count; i++) {
		if (!runs(children.items[i], &program))
			continue;
		if (count++ < NAMED_MAX)
			string_builder_add_format(
				&text, "%s%d", count > 1 ? ", " : "", children.items[i]);
	}
	if (!count)
		return NULL;
	if (count > NAMED_MAX)
		string_builder_add_format(&text, " and %zu more", count - NAMED_MAX);
	string_builder_add(
		&text, count > 1 ? " are its children, run the same program and were not looked at"
				 : " is its child, runs the same program and was not looked at");
	string_builder_add(&text, ": if it is a server with workers, hunt a worker");
	*ret = string_builder_finish(&text);
	return *ret ? NULL : error_enomem();
}
