// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Trying things, to know rather than to guess.
 *
 * Each attempt is made in a child process of its own: a seccomp filter may kill whoever makes a
 * system call, and whatever was attached or opened ends with the child, also when we are killed.
 */
#pragma once

#include "doctor/doctor_facts.h"

/** Fill in what is tried on a child of ours, and on ourselves. */
void doctor_attempts_on_machine(struct doctor_machine *ret);

/**
 * Fill in what is tried on the process: PTRACE_SEIZE, without a stop, and let go at once; and a
 * breakpoint that is never switched on. ptrace is not tried if @p machine says that it kills.
 */
void doctor_attempts_on_process(const struct doctor_machine *machine, struct doctor_process *ret);
