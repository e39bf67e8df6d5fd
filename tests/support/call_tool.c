// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// Call a function of a program in one of its threads after the other; the tests' hand on remote_call.h.
//
//	call-tool PID FUNCTION [REPEAT] [hold] [twice]
//
// The function is in the executable's symbol table. Any thread will do, wherever it is (the main one only if it
// is the only one): FUNCTION has to be one that may be called anywhere. With "hold" signals wait meanwhile. With "twice" it is called again at a
// sched_yield() that it is followed by. Prints one line of JSON; exit status 1 with {"error": …}.
#include "base/error.h"
#include "target/elf_file.h"
#include "target/libraries.h"
#include "target/remote_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct calling {
	remote_addr function, yield;
	bool holds_signals, is_twice;
	unsigned number;
};

static struct error *choose(void *context, const struct stopped_threads *threads,
	const struct machine_gadgets *gadgets, const struct mappings *mappings,
	struct remote_call_plan *ret)
{
	const struct calling *calling = context;

	for (size_t i = 0; i < threads->count; i++) {
		size_t index = (i + calling->number) % threads->count;

		// See remote_call.h: signals that are ignored come to others meanwhile.
		if (index == 0 && threads->count > 1)
			continue;
		ret->reason = injection_refusal(&threads->items[index], mappings, gadgets);
		if (ret->reason)
			continue;
		ret->thread = index;
		ret->holds_signals = calling->holds_signals;
		ret->functions = (struct machine_functions){
			.items = {calling->function, calling->yield}, .count = 1};
		if (calling->is_twice) {
			ret->functions.count = 2;
			ret->point = REMOTE_CALL_WITHIN;
		}
		return NULL;
	}
	return NULL;
}

static struct error *arrive(void *context, const struct stopped_thread *thread,
	const struct machine_registers *registers, bool is_ours, struct machine_functions *ret)
{
	const struct calling *calling = context;

	(void)thread;
	(void)registers;
	if (is_ours)
		*ret = (struct machine_functions){.items = {calling->function}, .count = 1};
	return NULL;
}

static struct error *find_function(struct process *process, const char *name, struct calling *ret)
{
	_cleanup_(target_destroy) struct target *target = NULL;
	struct error *error = process_target_live(process, &target);

	if (error)
		return error;
	if (!libraries_find(target, NULL, name, &ret->function) ||
		!libraries_find(target, NULL, "sched_yield", &ret->yield))
		return error_create(ERROR_NOT_FOUND, "no function %s", name);
	return NULL;
}

static struct error *call_often(struct process *process, struct calling *calling, unsigned repeat)
{
	static const struct remote_call_ops ops = {.choose = choose, .arrive = arrive};
	const struct remote_patience patience = {10, 10, NULL};
	unsigned done = 0, failures = 0;
	double longest = 0;

	for (; calling->number < repeat; calling->number++) {
		struct remote_call_report report;
		struct error *error = remote_call_run(process, &ops, calling, &patience, &report);

		if (error)
			return error;
		done += report.is_done;
		failures += report.failures;
		longest = report.away_ms > longest ? report.away_ms : longest;
	}
	printf("{\"done\": %u, \"failures\": %u, \"away_ms\": %.3f}\n", done, failures, longest);
	return NULL;
}

int main(int argc, char **argv)
{
	_cleanup_(process_destroy) struct process *process = NULL;
	struct calling calling = {0};
	struct error *error;
	unsigned repeat = argc > 3 ? (unsigned)atoi(argv[3]) : 1;

	if (argc < 3)
		return 2;
	for (int i = 4; i < argc; i++) {
		calling.holds_signals |= strcmp(argv[i], "hold") == 0;
		calling.is_twice |= strcmp(argv[i], "twice") == 0;
	}
	error = process_open(atoi(argv[1]), &process);
	if (!error)
		error = find_function(process, argv[2], &calling);
	if (!error)
		error = call_often(process, &calling, repeat);
	if (!error)
		return 0;
	printf("{\"error\": \"%s\", \"kind\": %d}\n", error_message(error), error_kind(error));
	error_destroy(error);
	return 1;
}
