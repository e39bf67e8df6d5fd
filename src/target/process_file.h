// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * A small file of ours where a process can read it: in its own root (/proc/PID/root), owned by its user and
 * readable by nobody else.
 */
#pragma once

#include "target/process.h"

#include <stdbool.h>

struct process_file {
	int folder; /* where it is, opened without following links; -1: there is none */
	char name[64];
	char path[128]; /* as the process sees it */
};

/** Create it, empty, in the first of /tmp, /var/tmp and /dev/shm that takes it. @p name goes into its name. */
struct error *process_file_create(
	const struct process *process, const char *name, struct process_file *ret);
struct error *process_file_write(const struct process_file *file, const char *text);
bool process_file_exists(const struct process_file *file);
/** Let go of it, and remove it or leave it where it is. */
void process_file_remove(struct process_file *file);
void process_file_forget(struct process_file *file);
