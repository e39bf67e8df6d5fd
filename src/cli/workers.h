// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Workers: children that run the program that their parent runs, as those of gunicorn, uwsgi and celery do. The
 * parent's PID is what a person finds in a PID file; what serves, and leaks, are they.
 */
#pragma once

#include <sys/types.h>

struct error;

/** A sentence about the workers of a process, owned by the caller; NULL if it has none. */
struct error *workers_note(pid_t pid, char **ret);
