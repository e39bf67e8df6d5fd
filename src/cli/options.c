// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include "base/error.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// Longer words are compared by their beginnings.
#define WORD_MAX 40

// A word further away than this was no slip of the finger.
#define DISTANCE_MAX 3

// Levenshtein's distance: insertions, deletions, replacements.
static unsigned distance(const char *a, const char *b)
{
	unsigned row[WORD_MAX + 1];
	size_t length_a = strnlen(a, WORD_MAX), length_b = strnlen(b, WORD_MAX);

	for (size_t k = 0; k <= length_b; k++)
		row[k] = (unsigned)k;
	for (size_t i = 1; i <= length_a; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t k = 1; k <= length_b; k++) {
			unsigned best = diagonal + (a[i - 1] != b[k - 1]);

			diagonal = row[k];
			if (row[k] + 1 < best)
				best = row[k] + 1;
			if (row[k - 1] + 1 < best)
				best = row[k - 1] + 1;
			row[k] = best;
		}
	}
	return row[length_b];
}

const char *options_nearest(const char *word, size_t count,
	const char *(*word_at)(const void *, size_t), const void *context)
{
	const char *nearest = NULL;
	unsigned least = DISTANCE_MAX + 1;

	for (size_t i = 0; i < count; i++) {
		unsigned here = distance(word, word_at(context, i));

		// "xy" is three steps from anything short.
		if (here < least && here < strlen(word)) {
			least = here;
			nearest = word_at(context, i);
		}
	}
	return nearest;
}

static const char *row_name(const void *rows, size_t index)
{
	return ((const struct option_row *)rows)[index].name;
}

static size_t row_count(const struct option_row *rows)
{
	size_t count = 0;

	while (rows[count].type != OPTION_END)
		count++;
	return count;
}

static struct error *unknown_option(const struct option_row *rows, const char *name, int length)
{
	char word[WORD_MAX + 1];
	const char *nearest;

	snprintf(word, sizeof(word), "%.*s", length, name);
	nearest = options_nearest(word, row_count(rows), row_name, rows);
	if (nearest)
		return error_create(
			ERROR_USAGE, "there is no option --%s; did you mean --%s?", word, nearest);
	return error_create(ERROR_USAGE, "there is no option --%s", word);
}

static struct error *set_number(const struct option_row *row, const char *text, void *member)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(text, &end);
	if (errno || end == text || *end || !isfinite(value))
		return error_create(ERROR_USAGE, "--%s takes a number, not '%s'", row->name, text);
	if (value < row->minimum && row->why_minimum)
		return error_create(ERROR_USAGE, "--%s must be at least %g: %s", row->name,
			row->minimum, row->why_minimum);
	if (value < row->minimum || value > row->maximum)
		return error_create(ERROR_USAGE, "--%s must be between %g and %g, not %s",
			row->name, row->minimum, row->maximum, text);
	if (row->type == OPTION_SECONDS) {
		*(double *)member = value;
		return NULL;
	}
	if (value != floor(value))
		return error_create(
			ERROR_USAGE, "--%s takes a whole number, not '%s'", row->name, text);
	*(unsigned *)member = (unsigned)value;
	return NULL;
}

static struct error *set_choice(const struct option_row *row, const char *text, void *member)
{
	for (int i = 0; row->choices[i]; i++) {
		if (strcmp(row->choices[i], text) == 0) {
			*(int *)member = i;
			return NULL;
		}
	}
	return error_create(ERROR_USAGE, "--%s takes %s, not '%s'", row->name, row->argument, text);
}

static struct error *set_text(const struct option_row *row, const char *text, void *member)
{
	if (!*text)
		return error_create(ERROR_USAGE, "--%s must not be empty", row->name);
	*(const char **)member = text;
	return NULL;
}

static struct error *set_option(const struct option_row *row, const char *text, void *target)
{
	void *member = (char *)target + row->offset;

	if (row->type == OPTION_FLAG) {
		if (text)
			return error_create(ERROR_USAGE, "--%s takes no value", row->name);
		*(bool *)member = true;
		return NULL;
	}
	if (!text)
		return error_create(ERROR_USAGE, "--%s needs a value: --%s %s", row->name,
			row->name, row->argument);
	if (row->type == OPTION_CHOICE)
		return set_choice(row, text, member);
	if (row->type == OPTION_TEXT)
		return set_text(row, text, member);
	return set_number(row, text, member);
}

static const struct option_row *find_row(
	const struct option_row *rows, const char *name, size_t length, bool is_letter)
{
	for (; rows->type != OPTION_END; rows++) {
		if (is_letter ? rows->letter && rows->letter == name[0] && length == 1
			      : strlen(rows->name) == length &&
					memcmp(rows->name, name, length) == 0)
			return rows;
	}
	return NULL;
}

struct error *options_parse(const struct option_row *rows, int argc, char **argv, void *target,
	int *ret_operands, bool *ret_help)
{
	bool only_operands = false;
	int operands = 0;

	*ret_help = false;
	for (int i = 0; i < argc; i++) {
		bool is_long = strncmp(argv[i], "--", 2) == 0;
		const char *name = argv[i] + (is_long ? 2 : 1), *value;
		size_t length = strcspn(name, "=");
		const struct option_row *row;
		struct error *err;

		if (only_operands || argv[i][0] != '-' || !argv[i][1]) {
			argv[operands++] = argv[i];
			continue;
		}
		if (is_long && !*name) {
			only_operands = true;
			continue;
		}
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			*ret_help = true;
			return NULL;
		}
		row = find_row(rows, name, length, !is_long);
		if (!row && !is_long)
			return error_create(ERROR_USAGE, "there is no option %s", argv[i]);
		if (!row)
			return unknown_option(rows, name, (int)length);
		value = name[length] ? name + length + 1 : NULL;
		if (!value && row->type != OPTION_FLAG && i + 1 < argc)
			value = argv[++i];
		err = set_option(row, value, target);
		if (err)
			return err;
	}
	*ret_operands = operands;
	return NULL;
}

struct error *options_parse_pid(const char *text, pid_t *ret)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(text, &end, 10);
	if (errno || end == text || *end || pid <= 0 || pid > INT_MAX)
		return error_create(
			ERROR_USAGE, "'%s' is no process id: a number is expected", text);
	*ret = (pid_t)pid;
	return NULL;
}

void options_print(const struct option_row *rows, FILE *out)
{
	for (; rows->type != OPTION_END; rows++) {
		char left[64];

		const char letter[] = {'-', rows->letter, ',', ' ', '\0'};

		snprintf(left, sizeof(left), "%s--%s%s%s", rows->letter ? letter : "", rows->name,
			rows->argument ? " " : "", rows->argument ? rows->argument : "");
		fprintf(out, "  %-34s %s\n", left, rows->help);
	}
	fprintf(out, "  %-34s %s\n", "-h, --help", "this page");
}
