// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "export/json_stream.h"

#include "base/utf8.h"

void json_stream_text(FILE *out, const char *text)
{
	putc('"', out);
	while (*text) {
		size_t length = utf8_character_length(text);
		unsigned char byte = (unsigned char)*text;

		if (length == 0)
			fprintf(out, "\\\\x%02x", byte);
		else if (byte == '"' || byte == '\\')
			fprintf(out, "\\%c", byte);
		else if (byte < 0x20 || byte == 0x7f)
			fprintf(out, "\\u%04x", byte);
		else
			fwrite(text, 1, length, out);
		text += length ? length : 1;
	}
	putc('"', out);
}
