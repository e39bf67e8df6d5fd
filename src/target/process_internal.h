// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * For the sources of this layer: what struct process knows.
 */
#pragma once

#include "target/machine.h"
#include "target/process.h"
#include "target/target_ops.h"

#include <stdbool.h>

struct process {
	struct target_origin origin; /* of its pictures */
	char name[32];               /* "process 4242" */
	pid_t pid;
	uint64_t start_time;
	uint64_t stack_start; /* see struct proc_stat */
	/** /proc/PID/mem, tied to the address space, not to the PID: reads nothing once the process
	 * has ended or executed another program. */
	int memory_fd;
	char *executable, *command_line;
	struct machine_gadgets gadgets; /* zeros until they were looked for */
};

/** A thread whose /proc files show the memory: the main one unless that ends before the others. */
pid_t process_memory_thread(const struct process *process);

/** Is the address space that was opened still in use? */
bool process_is_alive(const struct process *process);

/** Is there still a process of this PID and start time, whatever program it runs? */
bool process_still_exists(const struct process *process);

/** The two instructions that injection needs, remembered from call to call, and checked each time.
 */
struct error *process_find_gadgets(
	struct process *process, const struct mappings *mappings, struct machine_gadgets *ret);

/** The same for the program that @p pid runs now, whatever it is. */
struct error *machine_gadgets_search(
	pid_t pid, const struct mappings *mappings, struct machine_gadgets *ret);
