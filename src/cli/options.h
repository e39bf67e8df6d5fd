// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Command lines as tables: one row per option makes both the parser and the help page.
 *
 * Options may stand before or after operands, as `--name VALUE` or `--name=VALUE`; `--` ends them.
 * Mistakes are ERROR_USAGE, with the nearest correct word.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

struct error;

enum option_type {
	OPTION_FLAG,    /* bool */
	OPTION_COUNT,   /* unsigned, within minimum … maximum */
	OPTION_SECONDS, /* double, within minimum … maximum */
	OPTION_CHOICE,  /* int: index of the word in choices */
	OPTION_TEXT,    /* const char *: as it stands, not empty */
	OPTION_END,
};

struct option_row {
	const char *name; /* without the dashes */
	char letter;      /* 0: none */
	enum option_type type;
	size_t offset; /* of the member it sets */
	double minimum, maximum;
	const char *why_minimum; /* added to the message when the value is smaller; NULL: nothing */
	const char *const *choices; /* ends with NULL */
	const char *argument;       /* as help shows it; NULL for flags */
	const char *help;
};

/**
 * Parse arguments argv[0] … argv[argc - 1] (no program name) into the struct at @p target. Operands
 * are moved to the front of argv, *ret_operands of them. `--help` and `-h` set *ret_help.
 */
struct error *options_parse(const struct option_row *rows, int argc, char **argv, void *target,
	int *ret_operands, bool *ret_help);

/** The rows as help: aligned, wrapped by hand in their texts. */
void options_print(const struct option_row *rows, FILE *out);

/** The operand that is a process id. */
struct error *options_parse_pid(const char *text, pid_t *ret);

/** The nearest of @p count words (reached by @p word_at), or NULL if none is near. */
const char *options_nearest(const char *word, size_t count,
	const char *(*word_at)(const void *, size_t), const void *context);
