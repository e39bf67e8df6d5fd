// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include "analysis/dominators.h"
#include "analysis/memory.h"
#include "analysis/paths.h"
#include "base/alloc.h"
#include "base/error.h"
#include "export/export_mem.h"
#include "heap/heap_open.h"
#include "report/mem_report.h"

struct mem_options {
	unsigned pause_ms_max;
	int mode;   /* enum capture_mode */
	int colour; /* enum colour_when */
	bool json, maps, force;
};

static const struct option_row mem_rows[] = {
	JSON_OPTION_ROW(struct mem_options),
	{.name = "maps",
		.type = OPTION_FLAG,
		.offset = offsetof(struct mem_options, maps),
		.help = "each mapping too, with what of it is unexplained"},
	MODE_OPTION_ROW(struct mem_options),
	PAUSE_OPTION_ROW(struct mem_options),
	FORCE_OPTION_ROW(struct mem_options),
	COLOUR_OPTION_ROW(struct mem_options),
	{.type = OPTION_END},
};

static void set_defaults(void *options)
{
	*(struct mem_options *)options = (struct mem_options){0};
}

static struct error *print_report(
	const struct mem_options *options, const struct mem_report *report, int *ret_code)
{
	const struct report_style style = output_style(options->colour);
	_cleanup_(mem_free) char *text = NULL;
	struct error *err = NULL;

	if (options->json)
		err = export_mem_json(report, &text);
	else
		text = mem_report_text(report, &style);
	if (err || !text)
		return err ? err : error_enomem();
	return write_output(text, ret_code);
}

static struct error *examine(const struct heap_snapshot *snapshot,
	const struct mem_options *options, struct mem_report *report)
{
	_cleanup_(dominators_destroy) struct dominators *dominators = NULL;
	_cleanup_(paths_destroy) struct paths *paths = NULL;
	struct error *err = dominators_create(snapshot->graph, &dominators);

	if (!err)
		err = paths_create(snapshot->graph, &paths);
	if (!err)
		err = memory_examine(snapshot->graph, dominators, paths, snapshot->memory,
			snapshot->stats.collector_is_enabled, &report->memory);
	report->mode = capture_mode_name(snapshot->stats.capture.mode);
	report->stopped_ms = snapshot->stats.capture.stopped_ms;
	report->objects = snapshot->stats.objects;
	report->graph = snapshot->graph;
	report->has_maps = options->maps;
	return err;
}

static struct error *run_mem(const struct mem_options *options, pid_t pid, int *ret_code)
{
	const struct heap_snapshot_options snapshot_options = {
		.capture = {.mode = (enum capture_mode)options->mode,
			.pause_ms_max = options->pause_ms_max,
			.force = options->force},
		.keep_memory = true,
	};
	_cleanup_(heap_source_destroy) struct heap_source *source = NULL;
	_cleanup_(heap_snapshot_destroy) struct heap_snapshot *snapshot = NULL;
	_cleanup_(mem_report_deinit) struct mem_report report = {.pid = pid};
	struct error *err = heap_source_open_process(pid, &source);

	if (err)
		return err;
	report.python = heap_source_info(source)->python;
	report.executable = heap_source_info(source)->executable;
	report.command_line = heap_source_info(source)->command_line;
	progress_show("shikari: looking at process %d …", (int)pid);
	err = heap_snapshot_take(source, &snapshot_options, &snapshot);
	if (!err && !snapshot->memory)
		err = error_create(ERROR_UNSUPPORTED, "nothing is known of its memory");
	report.threads = process_thread_count(heap_source_process(source));
	if (!err)
		err = examine(snapshot, options, &report);
	progress_clear();
	return err ? err : print_report(options, &report, ret_code);
}

static struct error *run(const void *options, int operand_count, char **operands, int *ret_code)
{
	struct error *err;
	pid_t pid = 0;

	if (operand_count == 0)
		return error_create(ERROR_USAGE, "mem needs the id of a process");
	if (operand_count > 1)
		return error_create(
			ERROR_USAGE, "mem takes one process, not also '%s'", operands[1]);
	err = options_parse_pid(operands[0], &pid);
	return err ? err : run_mem(options, pid, ret_code);
}

const struct command command_mem = {
	.name = "mem",
	.summary = "where the memory goes: what is live, what is free and why it is kept",
	.usage = "mem [OPTIONS] PID",
	.text = "Split the resident memory of a running CPython process into live objects, "
		"garbage, "
		"free\n"
		"memory of its allocators, memory of C code, stacks, files; say which of it "
		"dominates, and\n"
		"what would give it back. Nothing is run in the process; it is stopped for "
		"milliseconds.\n",
	.examples = "examples:\n"
		    "  shikari mem 4242\n"
		    "  shikari mem --json 4242 | jq .verdict\n\n"
		    "exit codes: 0 an answer, 2 usage, 3 the process cannot be read,\n"
		    "            4 not supported\n",
	.options = mem_rows,
	.options_size = sizeof(struct mem_options),
	.defaults = set_defaults,
	.run = run,
};
