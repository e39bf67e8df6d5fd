// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What the terminal is like, and progress on it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/** In the order of the words of --color. */
enum colour_when {
	COLOUR_AUTO,
	COLOUR_ALWAYS,
	COLOUR_NEVER,
};

/** Those words; the last is NULL. */
extern const char *const colour_words[];

/** Columns of the terminal behind @p fd; 0 if it is none: then nothing is to be wrapped. */
unsigned terminal_width(int fd);
/** The option first, then NO_COLOR, CLICOLOR_FORCE, TERM=dumb, then whether @p fd is a terminal. */
bool terminal_has_colour(enum colour_when when, int fd);

/** One line on stderr that the next one replaces; nothing unless stderr is a terminal. */
void progress_show(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));
/** Take the line away. */
void progress_clear(void);
/** A line on stderr that stays, if the references of so many objects have no names (heap_facts.h). */
void nameless_show(uint64_t objects);
