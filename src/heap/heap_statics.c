// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_words.h"

#include "base/alloc.h"
#include "base/error.h"
#include "cpython/pystr.h"

#include <string.h>

// Up to 3.9 the type attribute cache is a variable without a symbol in stripped binaries. Its shape:
// entries of version (4 bytes and 4 of padding), name, value, at least 1024 of them (MCACHE_SIZE_EXP
// is 10 in 2.7, 12 from 3.6). Names are owned, values borrowed (Objects/typeobject.c).
#define CACHE_ENTRY_WORDS 3
#define CACHE_ENTRIES_MIN 1024
// Attributes are looked up before a program's first line.
#define CACHE_USED_MIN    64
#define CHUNK_BYTES       ((size_t)1 << 20)
// Characters of names in C code; words of the records that they are in.
#define STATIC_TEXT_MAX   128
#define RECORD_WORDS      6
// Of 256 characters.
#define CHARACTERS_MIN    16

static bool has_kind(struct heap_builder *builder, remote_addr object, enum pykind kind)
{
	uint32_t type = pyobject_type(&builder->context, object);

	return type != PYTYPE_NONE && builder->python->types->list.items[type].kind == kind;
}

static enum pykind native_str_kind(const struct heap_builder *builder)
{
	return pystr_native_form(builder->python->layout) == PYSTR_BYTES ? PYKIND_BYTES
									 : PYKIND_STR;
}

// Could these three words be an entry? @p ret_used: one that is in use.
static bool is_cache_entry(struct heap_builder *builder, const uint64_t *words, bool *ret_used)
{
	*ret_used = words[1] != 0;
	if (words[0] >> 32 || (words[2] && words[2] < 4096) || words[2] % 8)
		return false;
	// After a type was changed its entries keep the name, or have None.
	return !words[1] || has_kind(builder, words[1], native_str_kind(builder)) ||
	       has_kind(builder, words[1], PYKIND_PLAIN);
}

// The longest run of entries from some word of the three on. Returns its used entries.
static size_t find_run(struct heap_builder *builder, const uint64_t *words, size_t count,
	size_t phase, size_t *ret_first, size_t *ret_end)
{
	size_t best = 0, used = 0, first = phase;

	for (size_t i = phase; i + CACHE_ENTRY_WORDS <= count; i += CACHE_ENTRY_WORDS) {
		bool is_used;

		if (!is_cache_entry(builder, words + i, &is_used)) {
			first = i + CACHE_ENTRY_WORDS;
			used = 0;
			continue;
		}
		used += is_used;
		if (used > best && i - first >= (CACHE_ENTRIES_MIN - 1) * CACHE_ENTRY_WORDS) {
			best = used;
			*ret_first = first;
			*ret_end = i + CACHE_ENTRY_WORDS;
		}
	}
	return best;
}

static struct error *note_run(struct heap_builder *builder, remote_addr base, const uint64_t *words,
	size_t first, size_t end)
{
	struct error *err = NULL;

	for (size_t i = first; !err && i < end; i += CACHE_ENTRY_WORDS) {
		if (words[i + 1])
			err = heap_roots_note_owned(builder, base + (i + 1) * 8, words[i + 1],
				HEAP_ROOT_INTERPRETER, "type attribute cache");
	}
	return err;
}

static struct error *find_type_cache(
	struct heap_builder *builder, remote_addr base, const uint64_t *words, size_t count)
{
	for (size_t phase = 0; phase < CACHE_ENTRY_WORDS; phase++) {
		size_t first, end;

		if (find_run(builder, words, count, phase, &first, &end) >= CACHE_USED_MIN)
			return note_run(builder, base, words, first, end);
	}
	return NULL;
}

// The text of a short str of one-byte characters; false if the object is none.
static bool read_short_str(struct heap_builder *builder, uint64_t object, enum pykind kind,
	char text[STATIC_TEXT_MAX], uint64_t *ret_length)
{
	const struct pylayout *layout = builder->python->layout;
	struct pyreader *reader = &builder->context.reader;
	const uint8_t *bytes;
	struct pystr str;

	if (object < 4096 || object % 8 || !has_kind(builder, object, kind) ||
		!pystr_view(reader, layout, object,
			kind == PYKIND_STR ? PYSTR_COMPACT : PYSTR_BYTES, 0, &str) ||
		str.width != 1 || !str.length || str.length >= STATIC_TEXT_MAX)
		return false;
	bytes = pyreader_bytes(reader, str.text, str.length);
	if (!bytes)
		return false;
	memcpy(text, bytes, str.length);
	text[str.length] = '\0';
	*ret_length = str.length;
	return true;
}

// Is a C string with this text a few words before? So are _Py_Identifier (up to 3.9,
// Include/cpython/object.h) and slotdef (Objects/typeobject.c): the C string, then the str made of it.
static bool is_named_before(struct heap_builder *builder, const uint64_t *words, size_t index,
	const char *text, uint64_t length)
{
	for (size_t back = 1; back <= RECORD_WORDS && back <= index; back++) {
		uint64_t c_string = words[index - back];
		const uint8_t *bytes = c_string >= 4096 ? pyreader_bytes(&builder->context.reader,
								  c_string, length + 1)
							: NULL;

		if (bytes && memcmp(bytes, text, length + 1) == 0)
			return true;
	}
	return false;
}

static struct error *find_named(
	struct heap_builder *builder, remote_addr base, const uint64_t *words, size_t count)
{
	enum pykind kind = native_str_kind(builder);
	struct error *err = NULL;
	char text[STATIC_TEXT_MAX];
	uint64_t length;

	for (size_t i = 1; !err && i < count; i++) {
		if (read_short_str(builder, words[i], kind, text, &length) &&
			is_named_before(builder, words, i, text, length))
			err = heap_roots_note_owned(builder, base + i * 8, words[i],
				HEAP_ROOT_INTERPRETER, "names of C code");
	}
	return err;
}

// Which character is this an object of? -1: none.
static int character_of(struct heap_builder *builder, uint64_t object, enum pykind kind)
{
	char text[STATIC_TEXT_MAX];
	uint64_t length;

	return read_short_str(builder, object, kind, text, &length) && length == 1
		       ? (unsigned char)text[0]
		       : -1;
}

// The array of 256 objects of one character each, by its character (unicode_latin1 in
// Objects/unicodeobject.c, characters in Objects/bytesobject.c), that begins at word @p first.
static struct error *note_characters(struct heap_builder *builder, remote_addr base,
	const uint64_t *words, size_t first, size_t count, enum pykind kind)
{
	struct error *err = NULL;
	size_t used = 0;

	for (size_t c = 0; c < 256 && first + c < count; c++)
		used += words[first + c] && character_of(builder, words[first + c], kind) == (int)c;
	for (size_t c = 0; !err && used >= CHARACTERS_MIN && c < 256 && first + c < count; c++) {
		if (words[first + c] && character_of(builder, words[first + c], kind) == (int)c)
			err = heap_roots_note_owned(builder, base + (first + c) * 8,
				words[first + c], HEAP_ROOT_INTERPRETER, "characters");
	}
	return err;
}

static struct error *find_characters(struct heap_builder *builder, remote_addr base,
	const uint64_t *words, size_t count, enum pykind kind)
{
	size_t last = SIZE_MAX;

	for (size_t i = 0; i < count; i++) {
		int c = words[i] ? character_of(builder, words[i], kind) : -1;
		struct error *err;

		// Once per array, from its first word that is there.
		if (c < 0 || (size_t)c > i || i - (size_t)c == last)
			continue;
		last = i - (size_t)c;
		err = note_characters(builder, base, words, last, count, kind);
		if (err)
			return err;
	}
	return NULL;
}

static struct error *look_at_range(
	struct heap_builder *builder, const struct heap_data_range *range, uint64_t *words)
{
	struct error *err = NULL;

	for (remote_addr at = range->start; !err && at < range->end; at += CHUNK_BYTES) {
		size_t size = range->end - at < CHUNK_BYTES ? range->end - at : CHUNK_BYTES;

		if (!target_read_some(builder->target, at, words, size))
			continue;
		err = find_named(builder, at, words, size / 8);
		// From 3.10 the rest is in the interpreter's state.
		if (err || !builder->place ||
			strcmp(range->file->path, builder->place->path) != 0 ||
			pylayout_has(builder->python->layout->interp.type_cache))
			continue;
		// The interpreter's own data fits in a chunk.
		err = find_type_cache(builder, at, words, size / 8);
		if (!err)
			err = find_characters(builder, at, words, size / 8, PYKIND_BYTES);
		if (!err && native_str_kind(builder) == PYKIND_STR)
			err = find_characters(builder, at, words, size / 8, PYKIND_STR);
	}
	return err;
}

struct error *heap_statics_collect(struct heap_builder *builder)
{
	_cleanup_(mem_free) uint64_t *words = mem_alloc(CHUNK_BYTES);
	struct heap_data_range range;
	struct error *err = NULL;
	size_t index = 0;

	if (!words)
		return error_enomem();
	while (!err && heap_words_next_range(builder, &index, &range))
		err = look_at_range(builder, &range, words);
	return err;
}
