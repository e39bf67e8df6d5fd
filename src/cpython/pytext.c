// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/pytext.h"

#include "base/limits.h"
#include "base/utf8.h"
#include "cpython/pydict.h"
#include "cpython/pyobject.h"
#include "cpython/pystr.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

// Bits of an int's digit (Include/cpython/longintrepr.h): 30 in every 64-bit build.
#define DIGIT_BITS  30
// lv_tag's sign is 0, 1 for zero, or 2 (3.12).
#define LV_NEGATIVE 2

static const struct pytype *type_of(struct pycontext *context, remote_addr object)
{
	uint32_t index = pyobject_type(context, object);

	return index == PYTYPE_NONE ? NULL : &context->python->types->list.items[index];
}

// The bytes of Python 2's str are read as those of Latin-1: what is shown of names is ASCII.
bool pytext_view(struct pycontext *context, remote_addr str, struct pystr *ret)
{
	const struct python *python = context->python;
	const struct pytype *type = str ? type_of(context, str) : NULL;
	enum pystr_form form = pystr_native_form(python->layout);

	if (!type)
		return false;
	if (form == PYSTR_BYTES && type->flags & PYTYPE_FLAG_STR_SUBCLASS)
		form = PYSTR_OLD;
	else if (!(type->flags & (form == PYSTR_BYTES ? PYTYPE_FLAG_BYTES_SUBCLASS
						      : PYTYPE_FLAG_STR_SUBCLASS)))
		return false;
	return pystr_view(
		&context->reader, python->layout, str, form, python->old_unicode_width, ret);
}

// One character as UTF-8 or, if it cannot be shown, as an escape. Returns its length.
static size_t encode(uint32_t c, char out[16])
{
	if (c < 32 || c == 127)
		return (size_t)snprintf(out, 16, "\\x%02x", c);
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if ((c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
		return (size_t)snprintf(out, 16, "\\u%04x", c & 0xffffff);
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

// Append a character; false when the buffer is full.
static bool append(char *ret, size_t size, size_t *length, uint32_t c)
{
	char encoded[16];
	size_t bytes = encode(c, encoded);

	if (*length + bytes + 1 > size)
		return false;
	memcpy(ret + *length, encoded, bytes);
	*length += bytes;
	ret[*length] = '\0';
	return true;
}

bool pytext_str(struct pycontext *context, remote_addr str, char *ret, size_t size)
{
	struct pystr view;
	size_t length = 0;

	ret[0] = '\0';
	if (!pytext_view(context, str, &view))
		return false;
	for (uint64_t i = 0; i < view.length && i < LIMIT_NAME_BYTES; i++) {
		const uint8_t *bytes =
			pyreader_bytes(&context->reader, view.text + i * view.width, view.width);
		uint32_t c = 0;

		if (!bytes)
			return false;
		memcpy(&c, bytes, view.width);
		if (!append(ret, size, &length, c))
			break;
	}
	return true;
}

bool pytext_c_string(struct pycontext *context, remote_addr addr, char *ret, size_t size)
{
	size_t length = 0;

	ret[0] = '\0';
	for (uint64_t i = 0; i < LIMIT_NAME_BYTES; i++) {
		const uint8_t *byte = pyreader_bytes(&context->reader, addr + i, 1);

		if (!byte)
			return false;
		if (!*byte || !append(ret, size, &length, *byte < 0x80 ? *byte : '?'))
			break;
	}
	return true;
}

bool pytext_int(struct pycontext *context, remote_addr object, int64_t *ret)
{
	const struct pylayout *layout = context->python->layout;
	const struct pytype *type = object ? type_of(context, object) : NULL;
	uint64_t value = 0, word, digits;
	bool is_negative;

	if (type && type->kind == PYKIND_NUMBER && type->flags & PYTYPE_FLAG_OLD_INT &&
		pylayout_has(layout->old_int.ob_ival))
		return pyreader_u64(
			&context->reader, object + layout->old_int.ob_ival, (uint64_t *)ret);
	if (!type || !(type->flags & PYTYPE_FLAG_LONG_SUBCLASS) ||
		!pyreader_u64(&context->reader, object + layout->object.ob_size, &word))
		return false;
	digits = pytype_items(layout, type, word);
	is_negative = pylayout_has(layout->long_int.lv_tag) ? word & LV_NEGATIVE : word >> 63;
	if (digits > 3)
		return false;
	for (uint64_t i = 0; i < digits; i++) {
		uint32_t digit;

		if (!pyreader_u32(
			    &context->reader, object + layout->long_int.ob_digit + i * 4, &digit) ||
			digit >> DIGIT_BITS || (i == 2 && digit >> (63 - 2 * DIGIT_BITS)))
			return false;
		value |= (uint64_t)digit << (DIGIT_BITS * i);
	}
	*ret = is_negative ? -(int64_t)value : (int64_t)value;
	return true;
}

static bool str_is(struct pycontext *context, remote_addr str, const char *text)
{
	struct pystr view;

	return pytext_view(context, str, &view) && pystr_equals(&context->reader, &view, text);
}

// Where a table has the value under a str key.
static remote_addr find_slot(
	struct pycontext *context, const struct pydict_table *table, const char *name)
{
	remote_addr key, value;

	for (uint64_t i = 0; pydict_entry(&context->reader, table, i, &key, &value); i++) {
		if (key && value && str_is(context, key, name))
			return table->values ? table->values + i * sizeof(uint64_t)
					     : table->entries + i * table->entry_size +
						       table->value_offset;
	}
	return 0;
}

remote_addr pydict_slot(struct pycontext *context, remote_addr dict, const char *name)
{
	struct pydict_table table;

	if (!dict || !pydict_read(&context->reader, context->python->layout, dict, &table))
		return 0;
	return find_slot(context, &table, name);
}

remote_addr pydict_find(struct pycontext *context, remote_addr dict, const char *name)
{
	remote_addr slot = pydict_slot(context, dict, name);

	return slot ? pyreader_pointer(&context->reader, slot) : 0;
}

remote_addr pyinstance_slot(struct pycontext *context, remote_addr object, const char *name)
{
	const struct pytype *type = type_of(context, object);
	struct pydict_table table;
	struct pyinstance instance;

	if (!type)
		return 0;
	if (type->kind == PYKIND_FIELDS && strcmp(type->tp_name, "instance") == 0)
		return pydict_slot(context,
			pyreader_pointer(&context->reader,
				object + context->python->layout->old_instance.in_dict),
			name);
	if (!type->has_managed_dict)
		return type->dictoffset > 0 ? pydict_slot(context,
						      pyreader_pointer(&context->reader,
							      object + (uint64_t)type->dictoffset),
						      name)
					    : 0;
	if (!pyinstance_read(&context->reader, context->python->layout, type, object, &instance))
		return 0;
	if (instance.dict)
		return pydict_slot(context, instance.dict, name);
	if (!instance.values || !pydict_table_read(&context->reader, context->python->layout,
					type->cached_keys, instance.values, &table))
		return 0;
	return find_slot(context, &table, name);
}

remote_addr pyinstance_attribute(struct pycontext *context, remote_addr object, const char *name)
{
	remote_addr slot = pyinstance_slot(context, object, name);

	return slot ? pyreader_pointer(&context->reader, slot) : 0;
}

// Names of things in the program are shown; what may be data of its users is not.
static bool is_public(const char *text)
{
	if (!*text || strlen(text) > 80)
		return false;
	for (const char *c = text; *c; c++) {
		if (!isalnum((unsigned char)*c) && !strchr("_.-", *c) && !(*c & 0x80))
			return false;
	}
	return !isdigit((unsigned char)text[0]);
}

// What was cut to a buffer's size, or is no UTF-8 at all, ends before the first broken character.
static void end_at_character(char *text)
{
	size_t length;

	while (*text && (length = utf8_character_length(text)) > 0)
		text += length;
	*text = '\0';
}

static void describe_scalar(struct pycontext *context, remote_addr object, char *ret, size_t size)
{
	const struct pytype *type = object ? type_of(context, object) : NULL;
	char text[LIMIT_TYPE_NAME];
	int64_t number;

	if (!type) {
		snprintf(ret, size, "?");
	} else if (pytext_str(context, object, text, sizeof(text))) {
		if (is_public(text))
			snprintf(ret, size, "'%s'", text);
		else
			snprintf(ret, size, "<%s>", type->name);
	} else if (type->flags & PYTYPE_FLAG_STR_SUBCLASS) {
		snprintf(ret, size, "<str>");
	} else if (type->kind == PYKIND_FIELDS &&
		   (strcmp(type->tp_name, "ContextVar") == 0 ||
			   strcmp(type->tp_name, "_contextvars.ContextVar") == 0)) {
		pytext_str(context,
			pyreader_pointer(&context->reader,
				object + context->python->layout->contextvar.var_name),
			text, sizeof(text));
		snprintf(ret, size, "<ContextVar %s>", is_public(text) ? text : "");
	} else if (strcmp(type->tp_name, "NoneType") == 0) {
		snprintf(ret, size, "None");
	} else if (pytext_int(context, object, &number)) {
		if (strcmp(type->tp_name, "bool") == 0)
			snprintf(ret, size, "%s", number ? "True" : "False");
		else
			snprintf(ret, size, "%" PRId64, number);
	} else if (type->kind == PYKIND_TYPE) {
		uint32_t index = pytypes_find(context->python->types, object);

		snprintf(ret, size, "<class %s>",
			index == PYTYPE_NONE ? "?"
					     : context->python->types->list.items[index].name);
	} else {
		snprintf(ret, size, "<%s>", type->name);
	}
	end_at_character(ret);
}

void pytext_key(struct pycontext *context, remote_addr object, char *ret, size_t size)
{
	const struct pylayout *layout = context->python->layout;
	const struct pytype *type = object ? type_of(context, object) : NULL;
	uint64_t count;
	size_t length;

	if (!type || type->kind != PYKIND_TUPLE ||
		!pyreader_u64(&context->reader, object + layout->object.ob_size, &count)) {
		describe_scalar(context, object, ret, size);
		return;
	}
	// A tuple of scalars, one level deep, the first four items.
	length = (size_t)snprintf(ret, size, "(");
	for (uint64_t i = 0; i < count && i < 4 && length + 1 < size; i++) {
		char item[64];

		describe_scalar(context,
			pyreader_pointer(&context->reader, object + layout->tuple.ob_item + i * 8),
			item, sizeof(item));
		length +=
			(size_t)snprintf(ret + length, size - length, "%s%s", i ? ", " : "", item);
	}
	if (length + 1 < size)
		snprintf(ret + length, size - length, "%s",
			count > 4    ? ", …)"
			: count == 1 ? ",)"
				     : ")");
	end_at_character(ret);
}
