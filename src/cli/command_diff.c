// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/human.h"
#include "export/export_show.h"
#include "heap/heap_file.h"
#include "heap/heap_open.h"
#include "report/show_diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_DEFAULT 30

struct diff_options {
	const char *fail_if;
	unsigned limit;
	int by;     /* enum heap_diff_by */
	int colour; /* enum colour_when */
	bool json;
};

// In the order of enum heap_diff_by.
static const char *const by_words[] = {"type", "holder", "container", NULL};

static const struct option_row diff_rows[] = {
	{.name = "fail-if",
		.type = OPTION_TEXT,
		.offset = offsetof(struct diff_options, fail_if),
		.argument = "growth>SIZE",
		.help = "end with 1 if all objects, or objects>N, grew by more (10M, 1G, …)"},
	{.name = "by",
		.type = OPTION_CHOICE,
		.offset = offsetof(struct diff_options, by),
		.choices = by_words,
		.argument = "type|holder|container",
		.help = "what to compare (default type); the others by their paths"},
	{.name = "limit",
		.type = OPTION_COUNT,
		.offset = offsetof(struct diff_options, limit),
		.minimum = 1,
		.maximum = 1000000000,
		.argument = "N",
		.help = "rows to show (default 30; with --json all)"},
	JSON_OPTION_ROW(struct diff_options),
	COLOUR_OPTION_ROW(struct diff_options),
	{.type = OPTION_END},
};

static void set_defaults(void *options)
{
	(void)options;
}

/** What --fail-if says. */
struct condition {
	bool is_set, is_of_objects;
	double limit;
};

static struct error *parse_condition(const char *text, struct condition *ret)
{
	static const struct {
		const char *suffix;
		double factor;
	} units[] = {{"", 1}, {"k", 1e3}, {"K", 1e3}, {"M", 1e6}, {"G", 1e9}};
	const char *number = text + strcspn(text, ">");
	size_t length = (size_t)(number - text);
	char *end;
	double value;

	ret->is_set = true;
	ret->is_of_objects = length == 7 && memcmp(text, "objects", 7) == 0;
	if (*number != '>' ||
		(!ret->is_of_objects && (length != 6 || memcmp(text, "growth", 6) != 0)))
		return error_create(
			ERROR_USAGE, "--fail-if takes growth>SIZE or objects>N, not '%s'", text);
	errno = 0;
	value = strtod(number + 1, &end);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (end != number + 1 && !errno && value >= 0 &&
			strcmp(end, units[i].suffix) == 0) {
			ret->limit = value * units[i].factor;
			return NULL;
		}
	}
	return error_create(
		ERROR_USAGE, "--fail-if takes a size such as 10M, not '%s'", number + 1);
}

/** Files, in the order in which they were taken. */
struct series {
	struct heap_source *sources[HEAP_DIFF_FILES_MAX];
	struct heap_file *files[HEAP_DIFF_FILES_MAX]; /* the sources' */
	size_t count;
};

static void series_deinit(struct series *series)
{
	for (size_t i = 0; i < series->count; i++)
		heap_source_destroy(series->sources[i]);
}

static struct error *open_files(struct series *series, size_t count, char **paths)
{
	while (series->count < count) {
		struct heap_source **source = &series->sources[series->count];
		struct error *err = heap_source_open_file(paths[series->count], source);

		if (err)
			return err;
		series->files[series->count] = (struct heap_file *)heap_source_file(*source);
		series->count++;
		if (!heap_source_is_same_process(series->sources[0], *source))
			return error_create(ERROR_USAGE,
				"%s and %s are two processes: what grew is seen in files of one",
				heap_source_info(series->sources[0])->name,
				heap_source_info(*source)->name);
	}
	return NULL;
}

static void describe(const struct series *series, struct show_report *ret)
{
	const struct heap_source_info *info = heap_source_info(series->sources[series->count - 1]);
	struct heap_snapshot_stats stats;

	heap_file_stats(series->files[series->count - 1], &stats);
	ret->target = (struct show_target){
		.kind = heap_source_kind_name(info->kind),
		.name = info->name,
		.pid = info->pid,
		.python = info->python,
		.executable = info->executable,
		.command_line = info->command_line,
		.rss_bytes = stats.rss_bytes,
		.threads = stats.threads,
		.objects = stats.objects,
		.bytes = stats.bytes,
	};
}

static struct error *print(const struct diff_options *options, const struct series *series,
	const struct heap_diff *diff, int *ret_code)
{
	const struct report_style style = output_style(options->colour);
	_cleanup_(show_report_deinit) struct show_report report = {0};
	_cleanup_(mem_free) char *text = NULL;
	size_t limit = options->limit ? options->limit : options->json ? SIZE_MAX : LIMIT_DEFAULT;
	struct error *err;

	describe(series, &report);
	err = show_diff(diff, limit, &report);
	if (err)
		return err;
	if (options->json)
		err = export_show_json(&report, &text);
	else
		text = show_report_text(&report, &style);
	if (err || !text)
		return err ? err : error_enomem();
	return write_output(text, ret_code);
}

static double growth_of(const struct series *series, enum heap_figure figure)
{
	return (double)heap_file_figure(series->files[series->count - 1], figure) -
	       (double)heap_file_figure(series->files[0], figure);
}

// A heap at a time, without its leaves.
static struct error *add_file(const struct series *series, size_t file, struct heap_diff *diff)
{
	_cleanup_(heap_snapshot_destroy) struct heap_snapshot *snapshot = NULL;
	_cleanup_(heap_skeleton_destroy) struct heap_skeleton *skeleton = NULL;
	_cleanup_(paths_destroy) struct paths *paths = NULL;
	_cleanup_(heap_diff_place_vector_deinit) struct heap_diff_place_vector places = {0};
	struct error *err = heap_snapshot_take_parts(series->sources[file], &snapshot);

	progress_show("shikari: file %zu of %zu …", file + 1, series->count);
	if (!err)
		err = heap_skeleton_create(snapshot->graph, &skeleton);
	if (!err)
		err = heap_snapshot_add_names(snapshot);
	if (!err)
		err = heap_diff_list_places(diff->by, skeleton, &places);
	if (err)
		return err;
	heap_skeleton_drop_dominators(skeleton);
	err = paths_create(skeleton->graph, &paths);
	return err ? err : heap_diff_add_places(diff, file, skeleton, paths, &places);
}

static struct error *compare(
	enum heap_diff_by by, const struct series *series, struct heap_diff *ret)
{
	struct error *err = NULL;

	if (by == HEAP_DIFF_TYPE)
		return heap_diff_types(series->files, series->count, ret);
	ret->by = by;
	ret->file_count = series->count;
	for (size_t i = 0; !err && i < series->count; i++)
		err = add_file(series, i, ret);
	progress_clear();
	return err;
}

static struct error *diff(const struct diff_options *options, const struct condition *condition,
	const struct series *series, int *ret_code)
{
	_cleanup_(heap_diff_deinit) struct heap_diff answer = {0};
	struct error *err = compare((enum heap_diff_by)options->by, series, &answer);

	if (!err)
		err = print(options, series, &answer, ret_code);
	if (!err && *ret_code == EXIT_DONE && condition->is_set &&
		growth_of(series, condition->is_of_objects ? HEAP_FIGURE_OBJECTS
							   : HEAP_FIGURE_BYTES) > condition->limit)
		*ret_code = EXIT_FINDING;
	return err;
}

static struct error *run(const void *options, int operand_count, char **operands, int *ret_code)
{
	const struct diff_options *diff_options = options;
	struct condition condition = {0};
	struct series series = {0};
	struct error *err = NULL;

	if (operand_count < 2 || operand_count > HEAP_DIFF_FILES_MAX)
		return error_create(ERROR_USAGE, "diff takes two snapshot files, or up to %d",
			HEAP_DIFF_FILES_MAX);
	if (diff_options->fail_if)
		err = parse_condition(diff_options->fail_if, &condition);
	if (!err)
		err = open_files(&series, (size_t)operand_count, operands);
	if (!err)
		err = diff(diff_options, &condition, &series, ret_code);
	series_deinit(&series);
	return err;
}

const struct command command_diff = {
	.name = "diff",
	.summary = "what is new, gone and grown from one snapshot file to the next",
	.usage = "diff [OPTIONS] FILE FILE…",
	.text = "Compare snapshot files of one process, the first with the last. Objects are told "
		"apart by\n"
		"their addresses, types and sizes: those that were freed and made anew in the same "
		"place,\n"
		"of the same type and size, count as the same. Holders (named objects, with what "
		"hangs from\n"
		"them) and containers are told apart by their paths. shikari hunt says what of it "
		"is a leak.\n",
	.examples = "examples:\n"
		    "  shikari diff before.shk after.shk\n"
		    "  shikari diff --by container before.shk after.shk\n"
		    "  shikari diff --fail-if 'growth>10M' before.shk after.shk   # for CI\n\n"
		    "exit codes: 0 done, 1 --fail-if is so, 2 usage, 3 a file cannot be read,\n"
		    "            4 not supported\n",
	.options = diff_rows,
	.options_size = sizeof(struct diff_options),
	.defaults = set_defaults,
	.run = run,
};
