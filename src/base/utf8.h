// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Text from a target, made fit to be shown.
 *
 * Names in a process can be any bytes: cut sequences, lone surrogates, terminal escapes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/** Bytes of the valid UTF-8 character that @p text starts with (1 to 4); 0 if it is none. NUL is
 * one. */
size_t utf8_character_length(const char *text);
/** How many characters; invalid bytes count one each. */
size_t utf8_count(const char *text);

/** A copy that is valid UTF-8, invalid bytes written as \xNN. With @p for_terminal control
 *  characters too. The caller owns it; NULL without memory. */
char *utf8_clean(const char *text, bool for_terminal);
