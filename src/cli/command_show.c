// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include "base/alloc.h"
#include "base/error.h"
#include "cli/interrupt.h"
#include "cli/terminal.h"
#include "export/export_show.h"
#include "heap/heap_open.h"
#include "report/show_report.h"

#include <string.h>

#define LIMIT_DEFAULT 30

struct show_options {
	struct core_options core;
	unsigned limit;
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
	{.name = "json",
		.type = OPTION_FLAG,
		.offset = offsetof(struct show_options, json),
		.help = "the answer as JSON (docs/json.md)"},
	CORE_OPTION_ROWS(struct show_options, core),
	{.name = "max-pause",
		.type = OPTION_COUNT,
		.offset = offsetof(struct show_options, pause_ms_max),
		.minimum = 1,
		.maximum = 3600000,
		.argument = "MS",
		.help = "refuse if the process would be stopped longer"},
	{.name = "force",
		.type = OPTION_FLAG,
		.offset = offsetof(struct show_options, force),
		.help = "go on although memory is short"},
	{.name = "color",
		.type = OPTION_CHOICE,
		.offset = offsetof(struct show_options, colour),
		.choices = colour_words,
		.argument = "auto|always|never",
		.help = "colours (default auto: on a terminal)"},
	{.type = OPTION_END},
};

static void set_defaults(void *options)
{
	(void)options;
}

enum need {
	NEEDS_THREADS = 1,
	NEEDS_DOMINATORS = 2,
	NEEDS_PATHS = 4,
};

/** To add a view: a function in src/report, a row here, its columns in docs/json.md. */
static const struct view {
	const char *name;
	unsigned needs; /* enum need */
	show_view make;
	size_t limit; /* of rows, unless the user says another */
} views[] = {
	{"types", 0, show_types, LIMIT_DEFAULT},
	{"threads", NEEDS_THREADS, show_threads, SIZE_MAX},
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
	struct heap_snapshot *snapshot;
	struct heap_threads threads;
	struct dominators *dominators;
	struct paths *paths;
	struct show_input input; /* these, for the view */
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

	return err ? err : heap_snapshot_take(show->source, &options, &show->snapshot);
}

static struct error *provide(struct show *show)
{
	unsigned needs = show->view->needs;
	struct error *err = NULL;

	if (needs & NEEDS_THREADS)
		err = heap_snapshot_threads(show->snapshot, &show->threads);
	if (!err && needs & NEEDS_DOMINATORS)
		err = dominators_create(show->snapshot->graph, &show->dominators);
	if (!err && needs & NEEDS_PATHS)
		err = paths_create(show->snapshot->graph, &show->paths);
	return err;
}

static void describe(struct show *show)
{
	const struct heap_source_info *info = &show->snapshot->info;
	const struct heap_snapshot_stats *stats = &show->snapshot->stats;
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
		.graph = show->snapshot->graph,
		.threads = &show->threads,
		.dominators = show->dominators,
		.paths = show->paths,
		.limit = limit_of(show),
	};
	describe(show);
	return show->view->make(&show->input, &show->report);
}

static struct error *print(const struct show *show, int *ret_code)
{
	const struct report_style style = {
		.width = terminal_width(STDOUT_FILENO),
		.has_colour =
			terminal_has_colour((enum colour_when)show->options->colour, STDOUT_FILENO),
	};
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

static struct error *run(const void *options, int operand_count, char **operands, int *ret_code)
{
	struct show show = {.options = options};
	struct error *err;

	if (operand_count < 1)
		return error_create(ERROR_USAGE, "show needs a process id or a core file");
	if (operand_count > 2)
		return error_create(ERROR_USAGE, "show takes one view, not also '%s'", operands[2]);
	err = find_view(operand_count == 2 ? operands[1] : views[0].name, &show.view);
	if (err)
		return err;
	err = take_snapshot(&show, operands[0]);
	if (!err)
		err = provide(&show);
	if (!err)
		err = ask(&show);
	if (!err && interrupt_signal())
		*ret_code = EXIT_SIGNAL + interrupt_signal();
	else if (!err)
		err = print(&show, ret_code);
	show_deinit(&show);
	return err;
}

const struct command command_show = {
	.name = "show",
	.summary = "what is in a heap: objects by type, the threads' Python stacks",
	.usage = "show [OPTIONS] PID|CORE [VIEW]",
	.text = "Views:\n"
		"  types     objects and their own bytes, by type (default)\n"
		"  threads   the Python stack of each thread, the innermost frame first\n"
		"\n"
		"CORE is a core file, as the kernel or gcore writes it. A process is stopped for "
		"milliseconds.\n",
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
