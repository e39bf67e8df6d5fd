// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include "base/string_builder.h"

#include <stdint.h>

size_t utf8_character_length(const char *text)
{
	const unsigned char *bytes = (const unsigned char *)text;
	uint32_t code, smallest;
	size_t length;

	if (bytes[0] < 0x80)
		return 1;
	if (bytes[0] >= 0xc2 && bytes[0] < 0xe0)
		length = 2, smallest = 0x80, code = bytes[0] & 0x1f;
	else if (bytes[0] >= 0xe0 && bytes[0] < 0xf0)
		length = 3, smallest = 0x800, code = bytes[0] & 0x0f;
	else if (bytes[0] >= 0xf0 && bytes[0] < 0xf5)
		length = 4, smallest = 0x10000, code = bytes[0] & 0x07;
	else
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (bytes[i] & 0x3f);
	}
	if (code < smallest || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	return length;
}

size_t utf8_count(const char *text)
{
	size_t count = 0;

	for (; *text; count++) {
		size_t length = utf8_character_length(text);

		text += length ? length : 1;
	}
	return count;
}

// C0, DEL, C1, and the marks that turn the direction of writing.
static bool is_control(const char *text, size_t length)
{
	const unsigned char *bytes = (const unsigned char *)text;

	if (length == 1)
		return bytes[0] < 0x20 || bytes[0] == 0x7f;
	if (length == 2)
		return bytes[0] == 0xc2 && bytes[1] < 0xa0;
	if (length == 3 && bytes[0] == 0xe2)
		return (bytes[1] == 0x80 && bytes[2] >= 0xaa && bytes[2] <= 0xae) ||
		       (bytes[1] == 0x81 && bytes[2] >= 0xa6 && bytes[2] <= 0xa9);
	return false;
}

char *utf8_clean(const char *text, bool for_terminal)
{
	struct string_builder builder = {0};

	while (*text) {
		size_t length = utf8_character_length(text);

		if (length > 0 && !(for_terminal && is_control(text, length))) {
			string_builder_add_bytes(&builder, text, length);
			text += length;
			continue;
		}
		for (size_t i = 0; i < (length ? length : 1); i++, text++)
			string_builder_add_format(&builder, "\\x%02x", (unsigned char)*text);
	}
	return string_builder_finish(&builder);
}
