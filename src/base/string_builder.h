// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Text that grows.
 *
 * A zeroed builder is empty. Running out of memory makes the builder `failed`; later additions do
 * nothing, and string_builder_finish() returns NULL: check once, at the end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct string_builder {
	char *text; /* NUL-terminated once something was added */
	size_t length, capacity;
	bool failed;
};

void string_builder_add(struct string_builder *builder, const char *text);
void string_builder_add_bytes(struct string_builder *builder, const char *bytes, size_t length);
void string_builder_add_format(struct string_builder *builder, const char *format, ...)
	__attribute__((__format__(__printf__, 2, 3)));
/** The text, which the caller owns (mem_free()); NULL if memory ran out. The builder is empty
 *  afterwards. An empty builder gives "". */
char *string_builder_finish(struct string_builder *builder);
void string_builder_deinit(struct string_builder *builder);

static inline void cleanup_string_builder_deinit(struct string_builder *builder)
{
	string_builder_deinit(builder);
}
