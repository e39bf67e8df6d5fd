// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/pystr.h"

#include "base/limits.h"

// PEP 393: what the state says, and where the text is in consequence.
static bool view_compact(
	struct pyreader *reader, const struct pylayout *layout, remote_addr str, struct pystr *ret)
{
	const uint8_t *bytes = pyreader_bytes(reader, str, layout->str.ascii_size);
	uint32_t state_bit = layout->str.state * 8, state;
	bool is_ascii;

	if (!bytes)
		return false;
	state = load_u32(bytes + layout->str.state);
	is_ascii = state >> (layout->str.ascii_bit - state_bit) & 1;
	ret->width = state >> (layout->str.kind_bit - state_bit) & 7;
	ret->length = load_u64(bytes + layout->str.length);
	if (state >> (layout->str.compact_bit - state_bit) & 1)
		ret->text = str + (is_ascii ? layout->str.ascii_size : layout->str.compact_size);
	else
		ret->text = pyreader_pointer(reader, str + layout->str.data);
	return true;
}

bool pystr_view(struct pyreader *reader, const struct pylayout *layout, remote_addr str,
	enum pystr_form form, unsigned old_width, struct pystr *ret)
{
	*ret = (struct pystr){.is_bytes = form == PYSTR_BYTES};
	switch (form) {
	case PYSTR_COMPACT:
		if (!view_compact(reader, layout, str, ret))
			return false;
		break;
	case PYSTR_BYTES:
		if (!pyreader_u64(reader, str + layout->object.ob_size, &ret->length))
			return false;
		ret->width = 1;
		ret->text = str + layout->bytes.ob_sval;
		break;
	case PYSTR_OLD:
		if (!pyreader_u64(reader, str + layout->old_unicode.length, &ret->length))
			return false;
		ret->width = old_width;
		ret->text = pyreader_pointer(reader, str + layout->old_unicode.str);
		break;
	}
	return ret->text && ret->length <= LIMIT_ITEMS &&
	       (ret->width == 1 || ret->width == 2 || ret->width == 4);
}

bool pystr_equals(struct pyreader *reader, const struct pystr *str, const char *text)
{
	size_t length = strlen(text);
	const uint8_t *bytes;

	if (str->length != length || str->width != 1)
		return false;
	bytes = pyreader_bytes(reader, str->text, length);
	return bytes && memcmp(bytes, text, length) == 0;
}
