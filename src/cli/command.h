// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What a subcommand is: a row in main.c's table.
 *
 * To add one: command_NAME.c with its option rows and its run function, a declaration here, a row
 * there, a test in tests/system/test_cli.py.
 */
#pragma once

#include "cli/options.h"
#include "cli/terminal.h"
#include "report/hunt_report.h"
#include "target/core_file.h"

/** Exit codes: part of the interface, never changed. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_FINDING = 1, /* what was asked to be told by the exit code is so */
	EXIT_USAGE = 2,
	EXIT_TARGET = 3,      /* the target cannot be read, or the answer cannot be written */
	EXIT_UNSUPPORTED = 4, /* a Python, a machine or a kind of program that is not supported */
	EXIT_SIGNAL = 128,    /* plus the signal's number */
};

struct command {
	const char *name;
	const char *summary;  /* one line for the list of commands */
	const char *usage;    /* "hunt [OPTIONS] PID" */
	const char *text;     /* paragraphs under the usage line */
	const char *examples; /* after the options */
	const struct option_row *options;
	size_t options_size; /* of the struct that options fill; zeroed and handed to defaults() */
	void (*defaults)(void *options);
	/** Returns an error, or sets *ret_code. */
	struct error *(*run)(
		const void *options, int operand_count, char **operands, int *ret_code);
};

extern const struct command command_hunt;
extern const struct command command_doctor;
extern const struct command command_layout;
extern const struct command command_mem;
extern const struct command command_core;
extern const struct command command_watch_object;
extern const struct command command_diff;
extern const struct command command_export;
extern const struct command command_gc;
extern const struct command command_path;
extern const struct command command_show;
extern const struct command command_snap;
extern const struct command command_sql;
extern const struct command command_trim;

/** The words of --mode, in the order of enum capture_mode. */
extern const char *const mode_words[];

/*
 * Rows of options that several commands have, for structs with a member of the same name.
 */
/** bool json. */
#define JSON_OPTION_ROW(holder)                                                                    \
	{                                                                                          \
		.name = "json", .type = OPTION_FLAG, .offset = offsetof(holder, json),             \
		.help = "the answer as JSON (docs/json.md)"                                        \
	}
/** int colour: enum colour_when. */
#define COLOUR_OPTION_ROW(holder)                                                                  \
	{                                                                                          \
		.name = "color", .type = OPTION_CHOICE, .offset = offsetof(holder, colour),        \
		.choices = colour_words, .argument = "auto|always|never",                          \
		.help = "colours (default auto: on a terminal)"                                    \
	}
/** int mode: enum capture_mode. */
#define MODE_OPTION_ROW(holder)                                                                    \
	{                                                                                          \
		.name = "mode", .type = OPTION_CHOICE, .offset = offsetof(holder, mode),           \
		.choices = mode_words, .argument = "auto|clone|freeze|live",                       \
		.help = "how to take a snapshot (default auto: clone, else freeze)"                \
	}
/** unsigned pause_ms_max: 0 if it is not given. */
#define PAUSE_OPTION_ROW(holder)                                                                   \
	{                                                                                          \
		.name = "max-pause", .type = OPTION_COUNT,                                         \
		.offset = offsetof(holder, pause_ms_max), .minimum = 1, .maximum = 3600000,        \
		.argument = "MS", .help = "refuse if the process would be stopped longer"          \
	}
/** bool force. */
#define FORCE_OPTION_ROW(holder)                                                                   \
	{                                                                                          \
		.name = "force", .type = OPTION_FLAG, .offset = offsetof(holder, force),           \
		.help = "go on although memory is short"                                           \
	}
/** Rows for a member of type struct core_options: for commands that take a core file. */
#define CORE_OPTION_ROWS(holder, member)                                                           \
	{.name = "exe",                                                                            \
		.type = OPTION_TEXT,                                                               \
		.offset = offsetof(holder, member.executable),                                     \
		.argument = "FILE",                                                                \
		.help = "of a core: its program, where that is not by its path here"},             \
	{                                                                                          \
		.name = "sysroot", .type = OPTION_TEXT,                                            \
		.offset = offsetof(holder, member.sysroot), .argument = "DIR",                     \
		.help = "of a core: below which its programs and libraries are"                    \
	}

/** How text on stdout is to look, by the choice of --color (enum colour_when). */
struct report_style output_style(int colour);
/** Write @p text to stdout and flush it. A closed pipe is no error: *ret_code says so. */
struct error *write_output(const char *text, int *ret_code);

/** `shikari snap CORE`, and `shikari show CORE summary`. */
struct error *snap_core(const char *core, const struct core_options *where, bool values,
	const char *output, int *ret_code);
struct error *show_core(
	const char *core, const struct core_options *where, bool json, int colour, int *ret_code);
