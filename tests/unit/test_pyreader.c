// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// Reads in haste: what was asked for the last time comes at once, as it is now.
#include "check.h"

#include "cpython/pyreader.h"
#include "target/target_ops.h"

#include <string.h>

#define PAGE  4096
#define BASE  0x7f0000000000ull
#define SLOTS 16
// Two blocks that want the same slot are among these.
#define BYTES ((SLOTS + 1) * PYREADER_BLOCK_BYTES)

static uint8_t memory[BYTES];

struct counting {
	struct target target;
	unsigned reads, calls;
	size_t hole; /* a page that cannot be read; none: BYTES */
};

static size_t read_bytes(const struct target *target, remote_addr addr, void *buffer, size_t size)
{
	struct counting *counting = (struct counting *)target;
	size_t at = addr - BASE, end = at < counting->hole ? counting->hole : BYTES;

	counting->reads++;
	if (addr < BASE || at >= BYTES || (at >= counting->hole && at < counting->hole + PAGE))
		return 0;
	size = size < end - at ? size : end - at;
	memcpy(buffer, memory + at, size);
	return size;
}

static size_t read_pieces(
	const struct target *target, const struct target_piece *pieces, unsigned count)
{
	struct counting *counting = (struct counting *)target;
	unsigned reads = counting->reads;
	size_t bytes = 0;

	counting->calls++;
	for (unsigned i = 0; i < count; i++) {
		size_t got = read_bytes(target, pieces[i].addr, pieces[i].bytes, pieces[i].size);

		bytes += got;
		if (got < pieces[i].size)
			break;
	}
	counting->reads = reads;
	return bytes;
}

static const struct target_ops ops = {.read = read_bytes, .read_pieces = read_pieces};

static void begin(struct counting *counting, struct pyreader *reader)
{
	*counting = (struct counting){.target.ops = &ops, .hole = BYTES};
	for (size_t i = 0; i < BYTES; i++)
		memory[i] = (uint8_t)(i * 7 + i / 251);
	assert_success(pyreader_init(reader, &counting->target, SLOTS));
	reader->by_page = true;
}

static const size_t places[] = {8, 600, PAGE - 4, 3 * PAGE + 2000, PYREADER_BLOCK_BYTES - 300,
	5 * PYREADER_BLOCK_BYTES + 250};
#define PLACES (sizeof(places) / sizeof(places[0]))
#define ASKED  700

static void check_all(struct pyreader *reader)
{
	for (size_t i = 0; i < PLACES; i++) {
		const uint8_t *bytes = pyreader_bytes(reader, BASE + places[i], ASKED);

		assert_non_null(bytes);
		assert_memory_equal(bytes, memory + places[i], ASKED);
	}
}

static void change_all(void)
{
	for (size_t i = 0; i < BYTES; i++)
		memory[i] ^= 0x5a;
}

static void test_the_same_again_takes_one_call(void **state)
{
	uint8_t stack[2 * PAGE];
	struct target_piece also = {BASE + 7 * PAGE + 123, stack, sizeof(stack)};
	struct counting counting;
	struct pyreader reader;

	(void)state;
	begin(&counting, &reader);
	for (unsigned round = 0; round < 100; round++) {
		unsigned before = counting.reads;

		assert_int_equal(pyreader_hurry(&reader, &also), sizeof(stack));
		assert_memory_equal(stack, memory + (also.addr - BASE), sizeof(stack));
		check_all(&reader);
		pyreader_relax(&reader);
		assert_int_equal(counting.calls, round + 1);
		// Now and then it is noted anew what is needed.
		if (round > 3 && round % 32)
			assert_int_equal(counting.reads, before);
		// What comes afterwards is not noted.
		assert_non_null(pyreader_bytes(&reader, BASE + 9 * PYREADER_BLOCK_BYTES, 8));
		change_all();
	}
	pyreader_deinit(&reader);
}

static void test_a_page_that_is_gone(void **state)
{
	uint8_t stack[PAGE];
	struct target_piece also = {BASE, stack, sizeof(stack)};
	struct counting counting;
	struct pyreader reader;

	(void)state;
	begin(&counting, &reader);
	for (unsigned round = 0; round < 6; round++) {
		pyreader_hurry(&reader, &also);
		check_all(&reader);
		pyreader_relax(&reader);
	}
	counting.hole = 3 * PAGE;
	assert_int_equal(pyreader_hurry(&reader, &also), 0);
	assert_null(pyreader_bytes(&reader, BASE + places[3], ASKED));
	change_all();
	pyreader_forget(&reader);
	assert_memory_equal(
		pyreader_bytes(&reader, BASE + places[0], ASKED), memory + places[0], ASKED);
	assert_memory_equal(
		pyreader_bytes(&reader, BASE + places[5], ASKED), memory + places[5], ASKED);
	pyreader_deinit(&reader);
}

static void test_blocks_that_want_one_slot(void **state)
{
	struct target_piece also = {0};
	struct counting counting;
	struct pyreader reader;

	(void)state;
	begin(&counting, &reader);
	for (unsigned round = 0; round < 10; round++) {
		pyreader_hurry(&reader, &also);
		for (size_t at = 0; at + 8 <= BYTES; at += PYREADER_BLOCK_BYTES) {
			const uint8_t *bytes = pyreader_bytes(&reader, BASE + at + 40, 8);

			assert_non_null(bytes);
			assert_memory_equal(bytes, memory + at + 40, 8);
		}
		pyreader_relax(&reader);
		change_all();
	}
	pyreader_deinit(&reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_same_again_takes_one_call),
		cmocka_unit_test(test_a_page_that_is_gone),
		cmocka_unit_test(test_blocks_that_want_one_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
