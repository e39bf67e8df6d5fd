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
	struct core_options core;
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
	CORE_OPTION_ROWS(struct mem_options, core),
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
	if (report->memory.figures.has_usage)
		report->mode = capture_mode_name(snapshot->stats.capture.mode);
	report->stopped_ms = snapshot->stats.capture.stopped_ms;
	report->threads = snapshot->stats.threads;
	report->objects = snapshot->stats.objects;
	report->graph = snapshot->graph;
	report->has_maps = options->maps;
	return err;
}

static void describe(const struct heap_source_info *info, struct mem_report *report)
{
	report->pid = info->pid;
	report->source = heap_source_kind_name(info->kind);
	report->name = info->kind == HEAP_SOURCE_PROCESS ? NULL : info->name;
	report->notes = info->notes;
	report->note_count = info->note_count;
	report->python = info->python;
	report->executable = info->executable;
	report->command_line = info->command_line ? info->command_line : "";
}

static struct error *lacks_memory(const struct heap_source_info *info)
{
	return error_create(ERROR_UNSUPPORTED,
		"%s: nothing is known of its memory besides the objects; snapshots have that since "
		"version 2 of their format, and only the process can be asked for it (shikari show "
		"says what objects there are)",
		info->name);
}

static struct error *run_mem(const struct mem_options *options, const char *word, int *ret_code)
{
	const struct heap_snapshot_options snapshot_options = {
		.capture = {.mode = (enum capture_mode)options->mode,
			.pause_ms_max = options->pause_ms_max,
			.force = options->force},
		.keep_memory = true,
	};
	const struct heap_source_options where = {.core = options->core};
	_cleanup_(heap_source_destroy) struct heap_source *source = NULL;
	_cleanup_(heap_snapshot_destroy) struct heap_snapshot *snapshot = NULL;
	_cleanup_(mem_report_deinit) struct mem_report report = {0};
	struct error *err = heap_source_open(word, &where, &source);

	if (err)
		return err;
	describe(heap_source_info(source), &report);
	progress_show("shikari: looking at %s …", heap_source_info(source)->name);
	err = heap_snapshot_take(source, &snapshot_options, &snapshot);
	if (!err && !snapshot->memory)
		err = lacks_memory(heap_source_info(source));
	if (!err)
		err = examine(snapshot, options, &report);
	progress_clear();
	return err ? err : print_report(options, &report, ret_code);
}

static struct error *run(const void *options, int operand_count, char **operands, int *ret_code)
{
	if (operand_count == 0)
		return error_create(ERROR_USAGE, "mem needs the id of a process, or a file");
	if (operand_count > 1)
		return error_create(
			ERROR_USAGE, "mem takes one process or file, not also '%s'", operands[1]);
	return run_mem(options, operands[0], ret_code);
}

const struct command command_mem = {
	.name = "mem",
	.summary = "where the memory goes: what is live, what is free and why it is kept",
	.usage = "mem [OPTIONS] PID|FILE",
	.text = "Split the resident memory of a CPython process into live objects, garbage, free\n"
		"memory of its allocators, memory of C code, stacks, files; say which of it "
		"dominates, and\n"
		"what would give it back. Nothing is run in the process; it is stopped for "
		"milliseconds.\n"
		"Or of a snapshot (shikari snap), the same as of the process at that moment; or of "
		"a core,\n"
		"which does not say what of files was in memory, or shared with other processes.\n",
	.examples = "examples:\n"
		    "  shikari mem 4242\n"
		    "  shikari mem --json 4242 | jq .verdict\n"
		    "  shikari mem a.shk\n"
		    "  shikari mem core.4242\n\n"
		    "exit codes: 0 an answer, 2 usage, 3 the process or file cannot be read,\n"
		    "            4 not supported\n",
	.options = mem_rows,
	.options_size = sizeof(struct mem_options),
	.defaults = set_defaults,
	.run = run,
};
