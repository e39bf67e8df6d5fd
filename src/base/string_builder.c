// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "base/string_builder.h"

#include "base/alloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool make_room(struct string_builder *builder, size_t extra)
{
	size_t need = builder->length + extra + 1;
	size_t capacity = builder->capacity ? builder->capacity : 64;
	char *text;

	if (builder->failed)
		return false;
	if (need > extra && need <= builder->capacity)
		return true;
	while (capacity < need && capacity <= SIZE_MAX / 2)
		capacity *= 2;
	text = need > extra && need <= capacity ? mem_realloc_array(builder->text, capacity, 1)
						: NULL;
	if (!text) {
		builder->failed = true;
		return false;
	}
	builder->text = text;
	builder->capacity = capacity;
	return true;
}

void string_builder_add_bytes(struct string_builder *builder, const char *bytes, size_t length)
{
	if (!make_room(builder, length))
		return;
	memcpy(builder->text + builder->length, bytes, length);
	builder->length += length;
	builder->text[builder->length] = '\0';
}

void string_builder_add(struct string_builder *builder, const char *text)
{
	string_builder_add_bytes(builder, text, strlen(text));
}

void string_builder_add_format(struct string_builder *builder, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0 || !make_room(builder, (size_t)length))
		return;
	va_start(arguments, format);
	vsnprintf(builder->text + builder->length, (size_t)length + 1, format, arguments);
	va_end(arguments);
	builder->length += (size_t)length;
}

char *string_builder_finish(struct string_builder *builder)
{
	char *text;

	string_builder_add_bytes(builder, "", 0);
	text = builder->failed ? NULL : builder->text;
	if (text)
		builder->text = NULL;
	string_builder_deinit(builder);
	return text;
}

void string_builder_deinit(struct string_builder *builder)
{
	mem_free(builder->text);
	*builder = (struct string_builder){0};
}
