// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// The commands that have something called in the process: gc and trim.
#include "cli/command.h"

#include "analysis/garbage.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "cli/interrupt.h"
#include "cpython/pycalls.h"
#include "cpython/pyruntime.h"
#include "export/export_call.h"
#include "heap/heap_open.h"

#include <stdio.h>

struct call_options {
	double seconds;
	int colour; /* enum colour_when */
	bool no_count, json;
};

#define WAIT_ROW                                                                                   \
	{                                                                                          \
		.name = "wait", .type = OPTION_SECONDS,                                            \
		.offset = offsetof(struct call_options, seconds), .minimum = 0.1,                  \
		.maximum = 86400, .argument = "SECONDS",                                           \
		.help = "how long to wait for a safe point, and for the call (default 10)"         \
	}

static const struct option_row gc_rows[] = {
	WAIT_ROW,
	{.name = "no-count",
		.type = OPTION_FLAG,
		.offset = offsetof(struct call_options, no_count),
		.help = "do not count objects before and after: no snapshots"},
	JSON_OPTION_ROW(struct call_options),
	COLOUR_OPTION_ROW(struct call_options),
	{.type = OPTION_END},
};

static const struct option_row trim_rows[] = {
	WAIT_ROW,
	JSON_OPTION_ROW(struct call_options),
	COLOUR_OPTION_ROW(struct call_options),
	{.type = OPTION_END},
};

static void set_defaults(void *options)
{
	*(struct call_options *)options = (struct call_options){.seconds = 10};
}

static bool is_interrupted(void)
{
	return interrupt_signal() != 0;
}

static struct error *describe_target(const struct pycalls *calls, struct call_report *report)
{
	const struct process *process = pycalls_process(calls);
	char version[32], python[48];

	pyruntime_version_text(pycalls_version_hex(calls), version, sizeof(version));
	snprintf(python, sizeof(python), "CPython %s", version);
	report->pid = process_pid(process);
	report->python = mem_strdup(python);
	report->executable = mem_strdup(process_executable(process));
	return report->python && report->executable ? NULL : error_enomem();
}

static struct error *count_objects(pid_t pid, struct call_moment *moment)
{
	_cleanup_(heap_source_destroy) struct heap_source *source = NULL;
	_cleanup_(heap_snapshot_destroy) struct heap_snapshot *snapshot = NULL;
	_cleanup_(dominators_destroy) struct dominators *dominators = NULL;
	const struct heap_snapshot_options options = {0};
	struct garbage garbage = {0};
	struct error *err = heap_source_open_process(pid, &source);

	if (!err)
		err = heap_snapshot_take(source, &options, &snapshot);
	if (!err)
		err = dominators_create(snapshot->graph, &dominators);
	if (!err)
		err = garbage_compute(snapshot->graph, dominators, &garbage);
	if (err)
		return err;
	moment->objects = snapshot->stats.objects;
	moment->bytes = snapshot->stats.bytes;
	moment->garbage_objects = garbage.collectable_objects;
	moment->garbage_bytes = garbage.collectable_bytes;
	moment->stopped_ms = snapshot->stats.capture.stopped_ms;
	garbage_deinit(&garbage);
	return NULL;
}

// Before and after. That it cannot be done is no reason not to call.
static struct error *count_if_wanted(
	const struct call_options *options, struct call_report *report, size_t index)
{
	struct error *err;

	if (report->kind != CALL_COLLECT || options->no_count || (index && !report->has_objects))
		return NULL;
	progress_show("shikari: counting objects …");
	err = count_objects(report->pid, &report->moments[index]);
	report->has_objects = !err;
	if (err && error_kind(err) == ERROR_GONE)
		return err;
	error_destroy(err);
	return NULL;
}

static struct error *measure(const struct pycalls *calls, struct call_moment *moment)
{
	return process_read_usage(pycalls_process(calls), &moment->rss_bytes, &moment->pss_bytes);
}

static struct error *call(
	const struct call_options *options, struct pycalls *calls, struct call_report *report)
{
	struct remote_call_report result = {0};
	double since = monotonic_seconds();
	struct error *err;

	progress_show("shikari: waiting for a safe point …");
	err = report->kind == CALL_COLLECT
		      ? pycalls_collect(calls, options->seconds, is_interrupted, &result)
		      : pycalls_trim(calls, options->seconds, is_interrupted, &result);
	if (err)
		return err;
	report->waited_s = monotonic_seconds() - since;
	report->outcome = result.is_done ? CALL_DONE : result.is_left ? CALL_LEFT : CALL_NOT_DONE;
	report->way = mem_strdup(result.reason ? result.reason : "");
	report->thread = result.thread;
	report->tries = result.tries;
	report->call_ms = result.call_ms;
	report->away_ms = result.away_ms;
	report->stopped_ms = result.stopped_ms;
	return report->way ? NULL : error_enomem();
}

static struct error *call_and_measure(
	const struct call_options *options, struct pycalls *calls, struct call_report *report)
{
	struct error *err = describe_target(calls, report);

	if (!err)
		err = count_if_wanted(options, report, 0);
	if (!err)
		err = measure(calls, &report->moments[0]);
	if (!err)
		err = call(options, calls, report);
	if (!err)
		err = measure(calls, &report->moments[1]);
	if (!err)
		err = count_if_wanted(options, report, 1);
	return err;
}

static struct error *print_report(
	const struct call_options *options, const struct call_report *report, int *ret_code)
{
	const struct report_style style = output_style(options->colour);
	_cleanup_(mem_free) char *text = NULL;
	struct error *err = NULL;

	progress_clear();
	if (options->json)
		err = export_call_json(report, &text);
	else
		text = call_report_text(report, &style);
	if (err || !text)
		return err ? err : error_enomem();
	if (report->outcome != CALL_DONE)
		*ret_code = interrupt_signal() ? EXIT_SIGNAL + interrupt_signal() : EXIT_TARGET;
	return write_output(text, ret_code);
}

static struct error *run(enum call_kind kind, const char *name, const void *options,
	int operand_count, char **operands, int *ret_code)
{
	_cleanup_(call_report_deinit) struct call_report report = {.kind = kind};
	_cleanup_(pycalls_close) struct pycalls *calls = NULL;
	struct error *err;
	pid_t pid;

	if (operand_count == 0)
		return error_create(ERROR_USAGE, "%s needs the id of a process", name);
	if (operand_count > 1)
		return error_create(
			ERROR_USAGE, "%s takes one process, not also '%s'", name, operands[1]);
	err = options_parse_pid(operands[0], &pid);
	if (!err)
		err = pycalls_open(pid, &calls);
	if (!err)
		err = call_and_measure(options, calls, &report);
	return err ? err : print_report(options, &report, ret_code);
}

static struct error *run_gc(const void *options, int operand_count, char **operands, int *ret_code)
{
	return run(CALL_COLLECT, "gc", options, operand_count, operands, ret_code);
}

static struct error *run_trim(
	const void *options, int operand_count, char **operands, int *ret_code)
{
	return run(CALL_TRIM, "trim", options, operand_count, operands, ret_code);
}

#define EXIT_CODES                                                                                 \
	"exit codes: 0 called, 2 usage, 3 not called (no safe point in time, or the process "      \
	"cannot\n"                                                                                 \
	"            be read), 4 not supported, 128+N ended by signal N\n"

const struct command command_gc = {
	.name = "gc",
	.summary = "run a full collection in a process now, and report what came back",
	.usage = "gc [OPTIONS] PID",
	.text = "Have gc.collect() done in the process, also where it called gc.disable(), and say "
		"what "
		"it\n"
		"freed. This *changes* the process: finalizers run, as in any collection. It is "
		"called "
		"at a\n"
		"point where CPython itself lets Python code in; where there is none, it is not "
		"called, "
		"and\n"
		"that is said.\n",
	.examples = "examples:\n"
		    "  shikari gc 4242\n"
		    "  shikari gc --wait 60 --json 4242 | jq .given_back_bytes\n\n" EXIT_CODES,
	.options = gc_rows,
	.options_size = sizeof(struct call_options),
	.defaults = set_defaults,
	.run = run_gc,
};

const struct command command_trim = {
	.name = "trim",
	.summary = "have glibc give free memory of a process back to the system, and report it",
	.usage = "trim [OPTIONS] PID",
	.text = "Have malloc_trim(0) called in the process, and say how much memory it gave back. "
		"No Python\n"
		"code runs. While it is called, other threads may have to wait in malloc().\n",
	.examples = "examples:\n"
		    "  shikari trim 4242\n"
		    "  shikari gc 4242 && shikari trim 4242\n\n" EXIT_CODES,
	.options = trim_rows,
	.options_size = sizeof(struct call_options),
	.defaults = set_defaults,
	.run = run_trim,
};
