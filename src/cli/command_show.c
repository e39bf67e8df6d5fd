// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include "base/alloc.h"
#include "base/error.h"
#include "cli/interrupt.h"
#include "export/export_show.h"
#include "heap/heap_facts_options.h"
#include "heap/heap_file.h"
#include "heap/heap_open.h"
#include "report/show_report.h"

#include <string.h>

#define LIMIT_DEFAULT 30

struct show_options {
	struct core_options core;
	unsigned limit, depth;
	unsigned pause_ms_max;
	int colour; /* enum colour_when */
	bool json, force;
};

static const struct option_row show_rows[] = {
	{.name = "limit",
		.type = OPTION_COUNT,
		.offset = offsetof(struct show_options, limit),
		.minimum = 1,
		.maximum = 1000000000,
		.argument = "N",
		.help = "rows to show (default 30; with --json, and of threads, all)"},
	{.name = "depth",
		.type = OPTION_COUNT,
		.offset = offsetof(struct show_options, depth),
		.minimum = 1,
		.maximum = SHOW_DEPTH_MAX,
		.argument = "N",
		.help = "of dominators: how deep (default 4)"},
	JSON_OPTION_ROW(struct show_options),
	CORE_OPTION_ROWS(struct show_options, core),
	PAUSE_OPTION_ROW(struct show_options),
	FORCE_OPTION_ROW(struct show_options),
	COLOUR_OPTION_ROW(struct show_options),
	{.type = OPTION_END},
};

static void set_defaults(void *options)
{
	*(struct show_options *)options = (struct show_options){.depth = 4};
}

enum need {
	NEEDS_THREADS = 1,
	NEEDS_DOMINATORS = 2,
	NEEDS_PATHS = 4,
	/** A snapshot file's figures and types are enough. */
	NEEDS_NO_GRAPH = 8,
	NEEDS_FACTS = 16,
};

/** To add a view: a function in src/report, a row here, its columns in docs/json.md. */
static const struct view {
	const char *name;
	unsigned needs; /* enum need */
	show_view make;
	size_t limit; /* of rows, unless the user says another */
} views[] = {
	{"types", NEEDS_NO_GRAPH, show_types, LIMIT_DEFAULT},
	{"modules", NEEDS_NO_GRAPH, show_modules, LIMIT_DEFAULT},
	{"summary", NEEDS_NO_GRAPH, show_summary, SIZE_MAX},
	{"threads", NEEDS_THREADS | NEEDS_DOMINATORS, show_threads, SIZE_MAX},
	{"roots", NEEDS_DOMINATORS, show_roots, LIMIT_DEFAULT},
	{"dominators", NEEDS_DOMINATORS | NEEDS_PATHS, show_dominators, 2 * LIMIT_DEFAULT},
	{"garbage", NEEDS_DOMINATORS, show_garbage, LIMIT_DEFAULT},
	{"collections", NEEDS_FACTS, show_collections, LIMIT_DEFAULT},
	{"strings", NEEDS_FACTS | NEEDS_PATHS, show_strings, LIMIT_DEFAULT},
};

#define VIEW_COUNT (sizeof(views) / sizeof(*views))

static const char *view_name(const void *context, size_t index)
{
	(void)context;
	return views[index].name;
}

static struct error *find_view(const char *name, const struct view **ret)
{
	const char *nearest;

	for (size_t i = 0; i < VIEW_COUNT; i++) {
		if (strcmp(views[i].name, name) == 0) {
			*ret = &views[i];
			return NULL;
		}
	}
	nearest = options_nearest(name, VIEW_COUNT, view_name, NULL);
	return nearest ? error_create(ERROR_USAGE, "there is no view '%s'; did you mean '%s'?",
				 name, nearest)
		       : error_create(ERROR_USAGE, "there is no view '%s'", name);
}

/** One heap, with what the view asks for. */
struct show {
	const struct show_options *options;
	const struct view *view;
	struct heap_source *source;
	struct heap_snapshot *snapshot; /* NULL: the file is enough */
	struct heap_snapshot_stats stats;
	struct heap_threads threads;
	struct dominators *dominators;
	struct paths *paths;
	const struct heap_facts *facts; /* the snapshot's */
	const char *what;               /* operand of the view */
	struct show_input input;        /* these, for the view */
	struct show_report report;
};

static void show_deinit(struct show *show)
{
	show_report_deinit(&show->report);
	paths_destroy(show->paths);
	dominators_destroy(show->dominators);
	heap_threads_deinit(&show->threads);
	heap_snapshot_destroy(show->snapshot);
	heap_source_destroy(show->source);
}

static struct error *take_snapshot(struct show *show, const char *word)
{
	const struct heap_source_options places = {.core = show->options->core};
	const struct heap_snapshot_options options = {
		.capture = {
			.pause_ms_max = show->options->pause_ms_max,
			.force = show->options->force,
		}};
	struct error *err = heap_source_open(word, &places, &show->source);

	if (err)
		return err;
	if (show->view->needs & NEEDS_NO_GRAPH && heap_source_file(show->source)) {
		heap_file_stats(heap_source_file(show->source), &show->stats);
		return NULL;
	}
	err = heap_snapshot_take(show->source, &options, &show->snapshot);
	if (!err)
		show->stats = show->snapshot->stats;
	return err;
}

static struct error *provide(struct show *show)
{
	const struct heap_facts_options names_only = {.with_content = false};
	unsigned needs = show->view->needs;
	struct error *err = NULL;

	if (needs & NEEDS_THREADS)
		err = heap_snapshot_threads(show->snapshot, &show->threads);
	if (!err && needs & NEEDS_DOMINATORS)
		err = dominators_create(show->snapshot->graph, &show->dominators);
	if (!err && needs & NEEDS_PATHS)
		err = paths_create(show->snapshot->graph, &show->paths);
	if (!err && needs & NEEDS_FACTS)
		err = heap_snapshot_facts(show->snapshot, &names_only, &show->facts);
	return err;
}

static void describe(struct show *show)
{
	const struct heap_source_info *info = heap_source_info(show->source);
	const struct heap_snapshot_stats *stats = &show->stats;
	struct show_report *report = &show->report;

	report->view = show->view->name;
	report->notes = info->notes;
	report->note_count = info->note_count;
	report->target = (struct show_target){
		.kind = heap_source_kind_name(info->kind),
		.name = info->name,
		.pid = info->pid,
		.python = info->python,
		.executable = info->executable,
		.command_line = info->command_line,
		.rss_bytes = stats->rss_bytes,
		.threads = stats->threads,
		.objects = stats->objects,
		.bytes = stats->bytes,
		.stopped_ms = stats->capture.stopped_ms,
		.edges = stats->edges,
		.inferred_edges = stats->inferred_edges,
		.unreadable = stats->unreadable,
		.refcounts_checked = stats->refcounts_checked,
		.refcounts_exact = stats->refcounts_exact,
		.refcounts_inferred = stats->refcounts_inferred,
	};
}

static size_t limit_of(const struct show *show)
{
	if (show->options->limit)
		return show->options->limit;
	return show->options->json ? SIZE_MAX : show->view->limit;
}

static struct error *ask(struct show *show)
{
	show->input = (struct show_input){
		.graph = show->snapshot ? show->snapshot->graph : NULL,
		.file = heap_source_file(show->source),
		.threads = &show->threads,
		.dominators = show->dominators,
		.paths = show->paths,
		.facts = show->facts,
		.what = show->what,
		.depth = show->options->depth,
		.limit = limit_of(show),
	};
	describe(show);
	return show->view->make(&show->input, &show->report);
}

static struct error *print(const struct show *show, int *ret_code)
{
	const struct report_style style = output_style(show->options->colour);
	_cleanup_(mem_free) char *text = NULL;
	struct error *err = NULL;

	if (show->options->json)
		err = export_show_json(&show->report, &text);
	else
		text = show_report_text(&show->report, &style);
	if (err || !text)
		return err ? err : error_enomem();
	return write_output(text, ret_code);
}

static struct error *show(struct show *show, const char *word, int *ret_code)
{
	struct error *err = take_snapshot(show, word);

	if (!err)
		err = provide(show);
	if (!err)
		err = ask(show);
	if (!err && interrupt_signal())
		*ret_code = EXIT_SIGNAL + interrupt_signal();
	else if (!err)
		err = print(show, ret_code);
	show_deinit(show);
	return err;
}

static struct error *run(const void *options, int operand_count, char **operands, int *ret_code)
{
	struct show it = {.options = options};
	struct error *err;

	if (operand_count < 1)
		return error_create(
			ERROR_USAGE, "show needs a process id, a core file or a snapshot file");
	if (operand_count > 2)
		return error_create(ERROR_USAGE, "show takes one view, not also '%s'", operands[2]);
	err = find_view(operand_count == 2 ? operands[1] : views[0].name, &it.view);
	return err ? err : show(&it, operands[0], ret_code);
}

struct error *show_core(
	const char *core, const struct core_options *where, bool json, int colour, int *ret_code)
{
	struct show_options options = {.core = *where, .json = json, .colour = colour};
	struct show it = {.options = &options};
	struct error *err = find_view("summary", &it.view);

	return err ? err : show(&it, core, ret_code);
}

static struct error *run_path(
	const void *options, int operand_count, char **operands, int *ret_code)
{
	static const struct view view = {
		"path", NEEDS_DOMINATORS | NEEDS_PATHS, show_path_of, SIZE_MAX};
	struct show it = {.options = options, .view = &view};

	if (operand_count != 2)
		return error_create(ERROR_USAGE, "path needs a process id or a file, and what to "
						 "explain: an address, a type "
						 "or a path");
	it.what = operands[1];
	return show(&it, operands[0], ret_code);
}

const struct command command_show = {
	.name = "show",
	.summary = "what is in a heap: types, threads, roots, dominators, garbage, collections, "
		   "strings",
	.usage = "show [OPTIONS] PID|FILE [VIEW]",
	.text = "Views:\n"
		"  types        objects and their own bytes, by type (default)\n"
		"  modules      the same by the module that a type is of\n"
		"  summary      the figures of the snapshot\n"
		"  threads      the Python stack of each thread, the innermost frame first, and "
		"what its\n"
		"               variables alone hold\n"
		"  roots        what keeps objects alive, and how much each alone\n"
		"  dominators   the tree of what would be freed with what\n"
		"  garbage      unreachable objects, by type\n"
		"  collections  containers by type and fill: over-allocated lists, sparse dicts, "
		"empty ones\n"
		"  strings      strings that are there several times (by hash; text with snap "
		"--values)\n"
		"\n"
		"FILE is a snapshot (shikari snap) or a core, as the kernel or gcore writes it. A "
		"process is\n"
		"stopped for milliseconds.\n",
	.examples = "examples:\n"
		    "  shikari show 4242\n"
		    "  shikari show core.4242 threads\n"
		    "  shikari show --json core.4242 | jq '.rows[:3]'\n\n"
		    "exit codes: 0 done, 2 usage, 3 the process or file cannot be read,\n"
		    "            4 not supported, 128+N ended by signal N\n",
	.options = show_rows,
	.options_size = sizeof(struct show_options),
	.defaults = set_defaults,
	.run = run,
};

const struct command command_path = {
	.name = "path",
	.summary = "why is it alive: an object by address or path, or all objects of a type",
	.usage = "path [OPTIONS] PID|FILE WHAT",
	.text = "WHAT is an address (0x7f…), a path as hunt and show write it, or the name of a "
		"type. Of\n"
		"an object: how it is held, reference by reference, each expected, suspicious or "
		"unknown,\n"
		"and why; all other ways to it, as a tree; what refers to it; what would be freed "
		"with it.\n"
		"Of a type: the paths of all its objects, merged into a tree, indices and keys "
		"left "
		"out.\n",
	.examples =
		"examples:\n"
		"  shikari path a.shk metrics.Profiler.results\n"
		"  shikari path 4242 app.models.User\n\n"
		"exit codes: 0 done, 2 usage, 3 the process or file cannot be read, or there is "
		"no\n"
		"            such object, 4 not supported, 128+N ended by signal N\n",
	.options = show_rows,
	.options_size = sizeof(struct show_options),
	.defaults = set_defaults,
	.run = run_path,
};
