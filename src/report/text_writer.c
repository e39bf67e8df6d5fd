// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "report/text_writer.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Narrower terminals are treated as this wide: the text would be a column of words.
#define WIDTH_MIN 40

static const char *const colours[] = {
	[TEXT_PLAIN] = "",
	[TEXT_BOLD] = "\033[1m",
	[TEXT_DIM] = "\033[2m",
	[TEXT_ALARM] = "\033[1;31m",
	[TEXT_GOOD] = "\033[1;32m",
};

static void begin_colour(struct text_writer *writer, enum text_colour colour)
{
	if (writer->style.has_colour)
		string_builder_add(&writer->out, colours[colour]);
}

static void end_colour(struct text_writer *writer, enum text_colour colour)
{
	if (writer->style.has_colour && colour != TEXT_PLAIN)
		string_builder_add(&writer->out, "\033[0m");
}

static void add_spaces(struct text_writer *writer, size_t count)
{
	string_builder_add_format(&writer->out, "%*s", (int)count, "");
}

static void add_label(struct text_writer *writer, const char *label, enum text_colour colour)
{
	size_t length = utf8_count(label);

	begin_colour(writer, colour);
	string_builder_add(&writer->out, label);
	end_colour(writer, colour);
	add_spaces(writer, length < TEXT_MARGIN ? TEXT_MARGIN - length : 1);
}

// Bytes of text that fit into so many columns, cut at a space if there is one.
static size_t fitting(const char *text, size_t columns)
{
	size_t length = 0, at_space = 0;

	for (size_t column = 0; text[length]; column++) {
		size_t step = utf8_character_length(text + length);

		if (text[length] == ' ')
			at_space = length;
		if (column == columns)
			return at_space ? at_space : length;
		length += step ? step : 1;
	}
	return length;
}

static void add_wrapped(
	struct text_writer *writer, const char *text, size_t margin, enum text_colour colour)
{
	size_t width = writer->style.width;

	if (width > 0 && width < WIDTH_MIN)
		width = WIDTH_MIN;
	do {
		size_t length = width ? fitting(text, width - margin) : strlen(text);

		begin_colour(writer, colour);
		string_builder_add_bytes(&writer->out, text, length);
		end_colour(writer, colour);
		string_builder_add(&writer->out, "\n");
		text += length;
		while (*text == ' ')
			text++;
		if (*text)
			add_spaces(writer, margin);
	} while (*text);
}

void text_writer_line(struct text_writer *writer, const char *label, enum text_colour label_colour,
	enum text_colour text_colour, const char *format, ...)
{
	_cleanup_(mem_free) char *clean = NULL;
	char *text = NULL;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0) {
		writer->out.failed = true;
		return;
	}
	clean = utf8_clean(text, true);
	free(text);
	if (!clean) {
		writer->out.failed = true;
		return;
	}
	if (label)
		add_label(writer, label, label_colour);
	add_wrapped(writer, clean, label ? TEXT_MARGIN : 0, text_colour);
}

void text_writer_blank(struct text_writer *writer)
{
	string_builder_add(&writer->out, "\n");
}
