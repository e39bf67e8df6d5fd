// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What /proc says about a process, as text and numbers.
 *
 * The text is written by the kernel, but names in it are the target's: whatever is parsed here is
 * found from the right end, and every size is bounded.
 */
#pragma once

#include "base/vector.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct error;

DEFINE_VECTOR(pid_vector, pid_t)

/** Read a whole file under /proc (at most @p limit bytes; what is beyond is left out). The text is
 *  NUL-terminated and owned by the caller. */
struct error *proc_read(char **ret_text, size_t *ret_size, size_t limit, const char *format, ...)
	__attribute__((__format__(__printf__, 4, 5)));

/** The number after "FIELD:" at the start of a line, in base @p base; false if there is none. */
bool proc_field(const char *text, const char *field, int base, uint64_t *ret);

/** A field of /proc/ID/status; 0 if there is none. */
uint64_t proc_status_number(pid_t id, const char *field, int base);

/** /proc/ID/stat of a process or a thread. */
struct proc_stat {
	char name[32];
	char state; /* as in ps: R, S, D, T, t, Z, X */
	pid_t parent;
	uint64_t flags;
	uint64_t start_time;
	uint64_t stack_start; /* where the program's first stack began; 0 if we may not know */
	int exit_signal;
	int exit_code; /* of a zombie, as wait() would give it; 0 if we may not know */
};

struct error *proc_read_stat(pid_t id, struct proc_stat *ret);
/** Parse such a line; false if it is none. */
bool proc_parse_stat(const char *text, struct proc_stat *ret);

/** The number by which process or thread @p id knows itself and its kin: another one if it is in a PID
 *  namespace of its own, as in a container. @p id if that cannot be read. */
pid_t proc_id_inside(pid_t id);
/** The same from the text of /proc/ID/status; 0 if it does not say. */
pid_t proc_parse_id_inside(const char *status);

/** Has this thread ended, or was it told to? */
bool proc_is_ending(pid_t id, const struct proc_stat *stat);
/** A thread of a process that is not ending; false if there is none. */
bool proc_find_live_thread(pid_t pid, pid_t *ret);

/** Threads of a process, the main one first. Empty if the process is gone. */
struct error *proc_list_threads(pid_t pid, struct pid_vector *ret);
/** Children of all threads of a process; empty where the kernel does not list them. */
struct error *proc_list_children(pid_t pid, struct pid_vector *ret);
