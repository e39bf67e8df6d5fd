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
extern const struct command command_watch_object;
extern const struct command command_diff;
extern const struct command command_export;
extern const struct command command_path;
extern const struct command command_show;
extern const struct command command_snap;
extern const struct command command_sql;

/** The words of --mode, in the order of enum capture_mode. */
extern const char *const mode_words[];

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
extern const struct command command_gc;
extern const struct command command_trim;

/** How text on stdout is to look, by the choice of --color (enum colour_when). */
struct report_style output_style(int colour);
/** Write @p text to stdout and flush it. A closed pipe is no error: *ret_code says so. */
struct error *write_output(const char *text, int *ret_code);
