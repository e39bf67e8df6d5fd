// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// github.com/google/pprof, proto/profile.proto, in protobuf's wire format: a field is its number and
// wire type (0 varint, 2 bytes with their length before them), then its value. Not packed with gzip, which
// readers allow. Frames are functions; each has one location of the same number.
#include "export/export_heap.h"

#include "analysis/stack_profile.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/utf8.h"

#include <string.h>

// Field numbers of the messages.
enum {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE,
	PROFILE_MAPPING,
	PROFILE_LOCATION,
	PROFILE_FUNCTION,
	PROFILE_STRING,
	PROFILE_TIME_NANOS = 9,
	PROFILE_DEFAULT_TYPE = 14
};
enum { TYPE_TYPE = 1, TYPE_UNIT };
enum { SAMPLE_LOCATION = 1, SAMPLE_VALUE };
enum { LOCATION_ID = 1, LOCATION_LINE = 4, LINE_FUNCTION = 1 };
enum { FUNCTION_ID = 1, FUNCTION_NAME };

#define WIRE_BYTES 2

// The longest is a sample: a number for each of its frames, with its field at most 11 bytes.
struct message {
	unsigned char bytes[12 * (STACK_DEPTH_MAX + 4)];
	size_t size;
};

static void put_varint(struct message *message, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		message->bytes[message->size++] = (unsigned char)(value | 0x80);
	message->bytes[message->size++] = (unsigned char)value;
}

static void put(struct message *message, unsigned field, uint64_t value)
{
	put_varint(message, field << 3);
	put_varint(message, value);
}

static void write_bytes(FILE *out, unsigned field, const void *bytes, size_t size)
{
	struct message head = {.size = 0};

	put_varint(&head, field << 3 | WIRE_BYTES);
	put_varint(&head, size);
	fwrite(head.bytes, 1, head.size, out);
	fwrite(bytes, 1, size, out);
}

static void write_message(FILE *out, unsigned field, const struct message *message)
{
	write_bytes(out, field, message->bytes, message->size);
}

static void write_number(FILE *out, unsigned field, uint64_t value)
{
	struct message number = {.size = 0};

	put(&number, field, value);
	fwrite(number.bytes, 1, number.size, out);
}

// Strings that are no frames come behind those that are.
static const char *const words[] = {"inuse_objects", "count", "inuse_space", "bytes"};
#define WORD_COUNT (sizeof(words) / sizeof(*words))

static void write_types(uint32_t first_word, FILE *out)
{
	for (uint32_t i = 0; i < WORD_COUNT; i += 2) {
		struct message type = {.size = 0};

		put(&type, TYPE_TYPE, first_word + i);
		put(&type, TYPE_UNIT, first_word + i + 1);
		write_message(out, PROFILE_SAMPLE_TYPE, &type);
	}
	write_number(out, PROFILE_DEFAULT_TYPE, first_word + 2);
}

// The innermost frame first.
static void write_sample(const struct stack_profile *profile, uint32_t place, FILE *out)
{
	struct message sample = {.size = 0};

	for (uint32_t at = place; at; at = profile->places[at].above)
		put(&sample, SAMPLE_LOCATION, profile->places[at].text);
	put(&sample, SAMPLE_VALUE, profile->places[place].objects);
	put(&sample, SAMPLE_VALUE, profile->places[place].bytes);
	write_message(out, PROFILE_SAMPLE, &sample);
}

static void write_function(uint32_t number, FILE *out)
{
	struct message line = {.size = 0}, location = {.size = 0}, function = {.size = 0};

	put(&line, LINE_FUNCTION, number);
	put(&location, LOCATION_ID, number);
	put_varint(&location, LOCATION_LINE << 3 | WIRE_BYTES);
	put_varint(&location, line.size);
	memcpy(location.bytes + location.size, line.bytes, line.size);
	location.size += line.size;
	write_message(out, PROFILE_LOCATION, &location);
	// No system name: where the two are equal, pprof takes them for C++ and cuts off parentheses.
	put(&function, FUNCTION_ID, number);
	put(&function, FUNCTION_NAME, number);
	write_message(out, PROFILE_FUNCTION, &function);
}

static struct error *write_strings(const struct stack_profile *profile, FILE *out)
{
	for (uint32_t i = 0; i < profile->texts.count; i++) {
		_cleanup_(mem_free) char *clean =
			utf8_clean(text_table_get(&profile->texts, i), true);

		if (!clean)
			return error_enomem();
		write_bytes(out, PROFILE_STRING, clean, strlen(clean));
	}
	for (size_t i = 0; i < WORD_COUNT; i++)
		write_bytes(out, PROFILE_STRING, words[i], strlen(words[i]));
	return NULL;
}

struct error *export_pprof(const struct export_input *input, FILE *out)
{
	_cleanup_(stack_profile_destroy) struct stack_profile *profile = NULL;
	struct error *err = stack_profile_create(input->graph, input->paths, &profile);

	if (err)
		return err;
	write_types(profile->texts.count, out);
	for (uint32_t i = 1; i < profile->count; i++) {
		if (profile->places[i].objects)
			write_sample(profile, i, out);
	}
	// Number 0 is "", and no function.
	for (uint32_t i = 1; i < profile->texts.count; i++)
		write_function(i, out);
	err = write_strings(profile, out);
	if (input->taken_at_us)
		write_number(out, PROFILE_TIME_NANOS, input->taken_at_us * 1000);
	return err;
}
