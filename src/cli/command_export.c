// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/human.h"
#include "base/output_file.h"
#include "cli/interrupt.h"
#include "export/export_heap.h"
#include "heap/heap_facts.h"
#include "heap/heap_facts_options.h"
#include "heap/heap_open.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define LIMIT_DEFAULT 200

struct export_options {
	struct core_options core;
	const char *format, *output;
	unsigned limit;
	unsigned pause_ms_max;
	bool force;
};

static const struct option_row export_rows[] = {
	{.name = "to",
		.type = OPTION_TEXT,
		.offset = offsetof(struct export_options, format),
		.argument = "FORMAT",
		.help = "one of those above (needed)"},
	{.name = "output",
		.letter = 'o',
		.type = OPTION_TEXT,
		.offset = offsetof(struct export_options, output),
		.argument = "FILE",
		.help = "where to write it (default: standard output)"},
	{.name = "limit",
		.type = OPTION_COUNT,
		.offset = offsetof(struct export_options, limit),
		.minimum = 1,
		.maximum = 100000,
		.argument = "N",
		.help = "of dot: at most so many objects (default 200)"},
	CORE_OPTION_ROWS(struct export_options, core),
	PAUSE_OPTION_ROW(struct export_options),
	FORCE_OPTION_ROW(struct export_options),
	{.type = OPTION_END},
};

static void set_defaults(void *options)
{
	*(struct export_options *)options = (struct export_options){.limit = LIMIT_DEFAULT};
}

enum need {
	NEEDS_DOMINATORS = 1,
	NEEDS_PATHS = 2,
	IS_BINARY = 4,
};

/** To add a format: its writer in src/export, a row here, a section in docs/export.md. */
static const struct format {
	const char *name;
	unsigned needs; /* enum need */
	struct error *(*write)(const struct export_input *input, FILE *out);
} formats[] = {
	{"heapsnapshot", NEEDS_DOMINATORS, export_heapsnapshot},
	{"ndjson", NEEDS_DOMINATORS, export_ndjson},
	{"dot", NEEDS_DOMINATORS | NEEDS_PATHS, export_dot},
	{"collapsed", NEEDS_PATHS, export_collapsed},
	{"speedscope", NEEDS_PATHS, export_speedscope},
	{"pprof", NEEDS_PATHS | IS_BINARY, export_pprof},
};

#define FORMAT_COUNT (sizeof(formats) / sizeof(*formats))

static const char *format_name(const void *context, size_t index)
{
	(void)context;
	return formats[index].name;
}

static struct error *find_format(const char *name, const struct format **ret)
{
	const char *nearest;

	if (!name)
		return error_create(ERROR_USAGE, "export needs a format: --to FORMAT");
	for (size_t i = 0; i < FORMAT_COUNT; i++) {
		if (strcmp(formats[i].name, name) == 0) {
			*ret = &formats[i];
			return NULL;
		}
	}
	nearest = options_nearest(name, FORMAT_COUNT, format_name, NULL);
	return nearest ? error_create(ERROR_USAGE, "there is no format '%s'; did you mean '%s'?",
				 name, nearest)
		       : error_create(ERROR_USAGE, "there is no format '%s'", name);
}

static bool is_interrupted(void)
{
	return interrupt_signal() != 0;
}

/** One heap, with what the format asks for. */
struct export
{
	const struct export_options *options;
	const struct format *format;
	struct heap_source *source;
	struct heap_snapshot *snapshot;
	struct heap_facts_names names; /* of the snapshot's graph */
	struct dominators *dominators;
	struct paths *paths;
};

static void export_deinit(struct export *export)
{
	paths_destroy(export->paths);
	dominators_destroy(export->dominators);
	heap_snapshot_destroy(export->snapshot);
	heap_source_destroy(export->source);
}

static struct error *take_snapshot(struct export *export, const char *word)
{
	const struct heap_source_options places = {.core = export->options->core};
	const struct heap_snapshot_options options = {
		.capture = {
			.pause_ms_max = export->options->pause_ms_max,
			.force = export->options->force,
		}};
	struct error *err = heap_source_open(word, &places, &export->source);

	if (err)
		return err;
	progress_show("shikari: taking a snapshot …");
	return heap_snapshot_take(export->source, &options, &export->snapshot);
}

// Facts say what is said of a snapshot file, no values of objects, and a label costs the same wherever
// in a container it is.
static struct error *provide(struct export *export)
{
	const struct heap_facts_options names_only = {.with_content = false};
	struct heap_graph *graph = export->snapshot->graph;
	unsigned needs = export->format->needs;
	const struct heap_facts *facts;
	struct error *err = heap_snapshot_facts(export->snapshot, &names_only, &facts);

	if (err)
		return err;
	nameless_show(facts->nameless);
	export->names = (struct heap_facts_names){
		.graph = graph, .facts = facts, .addresses = export->snapshot->addresses};
	heap_facts_name(graph, &export->names);
	if (needs & NEEDS_DOMINATORS)
		err = dominators_create(graph, &export->dominators);
	if (!err && needs & NEEDS_PATHS)
		err = paths_create(graph, &export->paths);
	return err;
}

static struct error *write_to(const struct export *export, FILE *out)
{
	const struct export_input input = {
		.graph = export->snapshot->graph,
		.dominators = export->dominators,
		.paths = export->paths,
		.name = heap_source_info(export->source)->name,
		.taken_at_us = export->snapshot->stats.taken_at_us,
		.limit = export->options->limit,
		.is_interrupted = is_interrupted,
	};

	return export->format->write(&input, out);
}

static struct error *write_file(const struct export *export, int *ret_code)
{
	const char *path = export->options->output;
	_cleanup_(output_file_destroy) struct output_file *file = NULL;
	struct error *err = output_file_create(path, &file);
	char text[512];
	uint64_t bytes;

	if (err)
		return err;
	progress_show("shikari: writing %s …", path);
	err = write_to(export, file->stream);
	if (err || interrupt_signal())
		return err;
	err = output_file_finish(file, &bytes);
	progress_clear();
	if (err)
		return err;
	snprintf(text, sizeof(text), "%s: %s, %s objects\n", path, human_bytes((double)bytes).text,
		human_count(export->snapshot->stats.objects).text);
	return write_output(text, ret_code);
}

static struct error *write_stdout(const struct export *export, int *ret_code)
{
	struct error *err;

	progress_clear();
	err = write_to(export, stdout);
	if (err)
		return err;
	// What could not be written is tried once more, and says why.
	err = write_output("", ret_code);
	if (!err && *ret_code == EXIT_DONE && ferror(stdout))
		err = error_system(EIO, "cannot write to standard output");
	return err;
}

static struct error *export_heap(struct export *export, const char *word, int *ret_code)
{
	struct error *err = take_snapshot(export, word);

	if (!err && !interrupt_signal())
		err = provide(export);
	if (!err && !interrupt_signal())
		err = export->options->output ? write_file(export, ret_code)
					      : write_stdout(export, ret_code);
	progress_clear();
	if (!err && interrupt_signal())
		*ret_code = EXIT_SIGNAL + interrupt_signal();
	export_deinit(export);
	return err;
}

static struct error *run(const void *options, int operand_count, char **operands, int *ret_code)
{
	struct export export = {.options = options};
	struct error *err;

	if (operand_count != 1)
		return error_create(
			ERROR_USAGE, "export takes one process, core file or snapshot file");
	err = find_format(export.options->format, &export.format);
	if (err)
		return err;
	if (export.format->needs & IS_BINARY && !export.options->output && isatty(STDOUT_FILENO))
		return error_create(ERROR_USAGE, "%s is not for a terminal: use -o FILE, or a pipe",
			export.format->name);
	return export_heap(&export, operands[0], ret_code);
}

const struct command command_export = {
	.name = "export",
	.summary =
		"a heap in the formats of other tools: DevTools, pprof, speedscope, Graphviz, jq",
	.usage = "export [OPTIONS] --to FORMAT PID|FILE",
	.text = "Formats:\n"
		"  heapsnapshot  V8's: for the Memory panel of Chromium's DevTools, and memlab\n"
		"  ndjson        a line of JSON per object: for jq and scripts\n"
		"  dot           the top of the dominator tree: for Graphviz\n"
		"  collapsed     bytes by what holds them, as stacks: for flamegraph.pl\n"
		"  speedscope    the same: for speedscope.app\n"
		"  pprof         the same: for go tool pprof\n"
		"\n"
		"FILE is a snapshot (shikari snap) or a core. A process is stopped for "
		"milliseconds. Names are\n"
		"written, values are not (docs/export.md). With -o the file is readable by its "
		"owner only, and\n"
		"there when it is whole.\n",
	.examples =
		"examples:\n"
		"  shikari export a.shk --to heapsnapshot -o a.heapsnapshot\n"
		"  shikari export 4242 --to dot | dot -Tsvg > heap.svg\n"
		"  shikari export core.4242 --to ndjson | jq -r 'select(.size > 1e6) | .type'\n\n"
		"exit codes: 0 done, 2 usage, 3 the process or file cannot be read or written,\n"
		"            4 not supported, 128+N ended by signal N\n",
	.options = export_rows,
	.options_size = sizeof(struct export_options),
	.defaults = set_defaults,
	.run = run,
};
