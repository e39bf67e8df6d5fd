// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// Columns come back as they were; what was harmed is an error; what a file claims is not believed.
#include "check.h"

#include "base/alloc.h"
#include "store/store_planes.h"
#include "store/store_reader.h"
#include "store/store_writer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define ITEMS (STORE_BLOCK_ITEMS * 2 + 77)

static char folder[] = "/tmp/store.XXXXXX";
static char path[64];

static int make_folder(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.shk", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static uint64_t item(uint64_t i)
{
	return i % 7 ? i / 3 * 0x9e3779b97f4a7c15 : i;
}

static void *make_items(unsigned width, size_t count)
{
	uint8_t *items = calloc(count, width);

	assert_non_null(items);
	for (size_t i = 0; i < count; i++) {
		uint64_t value = item(i);

		memcpy(items + i * width, &value, width);
	}
	return items;
}

static void test_columns_come_back(void **state)
{
	static const unsigned widths[] = {1, 2, 4, 8};
	_cleanup_(store_reader_close) struct store_reader *reader = NULL;
	struct store_writer *writer;

	(void)state;
	assert_success(store_writer_create(path, 2, &writer));
	for (uint32_t i = 0; i < 8; i++) {
		void *items = make_items(widths[i / 2], ITEMS);

		assert_success(store_writer_add(writer, 10 + i, i % 2 ? STORE_DELTA : STORE_PLAIN,
			widths[i / 2], items, ITEMS));
		free(items);
	}
	assert_success(store_writer_add(writer, 30, STORE_PLAIN, 4, NULL, 0));
	assert_success(store_writer_finish(writer));
	store_writer_destroy(writer);

	assert_true(store_is_file(path));
	assert_success(store_reader_open(path, &reader));
	for (uint32_t i = 0; i < 8; i++) {
		void *wanted = make_items(widths[i / 2], ITEMS), *items;
		uint64_t count;

		assert_success(store_read(reader, 10 + i, widths[i / 2], &items, &count));
		assert_int_equal(count, ITEMS);
		assert_memory_equal(items, wanted, ITEMS * widths[i / 2]);
		pages_free(items, count, widths[i / 2]);
		free(wanted);
	}
}

static void test_a_column_that_is_not_there_is_empty(void **state)
{
	_cleanup_(store_reader_close) struct store_reader *reader = NULL;
	uint32_t *items;
	uint64_t count = 5;

	(void)state;
	assert_success(store_reader_open(path, &reader));
	assert_success(store_read(reader, 30, 4, &items, &count));
	assert_int_equal(count, 0);
	pages_free(items, count, 4);
	assert_null(store_reader_find(reader, 31));
	assert_success(store_read(reader, 31, 4, &items, &count));
	assert_int_equal(count, 0);
	pages_free(items, count, 4);
	assert_failure(store_read(reader, 10, 4, &items, &count), ERROR_BAD_DATA);
}

static void fill_bounds(void *context, uint32_t block, void *items)
{
	const uint64_t *bounds = context;

	for (uint64_t i = bounds[block]; i < bounds[block + 1]; i++)
		((uint32_t *)items)[i - bounds[block]] = (uint32_t)item(i);
}

static void test_blocks_are_cut_where_the_writer_says(void **state)
{
	uint64_t bounds[] = {0, 1, 1, 100000, 100001};
	_cleanup_(store_reader_close) struct store_reader *reader = NULL;
	struct store_writer *writer;
	const struct store_column *column;
	uint32_t *items;
	uint64_t count;

	(void)state;
	assert_success(store_writer_create(path, 2, &writer));
	assert_success(
		store_writer_add_blocks(writer, 9, STORE_PLAIN, 4, 4, bounds, fill_bounds, bounds));
	assert_success(store_writer_finish(writer));
	store_writer_destroy(writer);
	assert_success(store_reader_open(path, &reader));
	column = store_reader_find(reader, 9);
	assert_int_equal(column->block_count, 4);
	assert_int_equal(store_reader_block(reader, column, 1)->items, 0);
	assert_int_equal(store_reader_block(reader, column, 2)->items, 99999);
	assert_success(store_read(reader, 9, 4, &items, &count));
	for (uint64_t i = 0; i < count; i++)
		assert_int_equal(items[i], (uint32_t)item(i));
	pages_free(items, count, 4);
}

static uint8_t *read_file(size_t *ret_size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = malloc(1 << 20);

	assert_non_null(file);
	assert_non_null(bytes);
	*ret_size = fread(bytes, 1, 1 << 20, file);
	fclose(file);
	return bytes;
}

static void write_small(void)
{
	uint32_t items[1000];
	struct store_writer *writer;

	for (uint32_t i = 0; i < 1000; i++)
		items[i] = (uint32_t)item(i);
	assert_success(store_writer_create(path, 1, &writer));
	assert_success(store_writer_add(writer, 1, STORE_DELTA, 4, items, 1000));
	assert_success(store_writer_add(writer, 2, STORE_PLAIN, 2, items, 1000));
	assert_success(store_writer_finish(writer));
	store_writer_destroy(writer);
}

static struct error *read_all(const uint8_t *bytes, size_t size)
{
	_cleanup_(store_reader_close) struct store_reader *reader = NULL;
	struct error *err = store_reader_open_bytes("a.shk", bytes, size, &reader);
	uint64_t count;
	void *items;

	if (err)
		return err;
	err = store_read(reader, 1, 4, &items, &count);
	if (err)
		return err;
	pages_free(items, count, 4);
	err = store_read(reader, 2, 2, &items, &count);
	if (!err)
		pages_free(items, count, 2);
	return err;
}

static void test_every_changed_byte_is_an_error(void **state)
{
	uint8_t *bytes;
	size_t size;

	(void)state;
	write_small();
	bytes = read_file(&size);
	assert_success(read_all(bytes, size));
	for (size_t i = 0; i < size; i++) {
		struct error *err;

		bytes[i] ^= 1 << i % 8;
		err = read_all(bytes, size);
		if (!err)
			fail_msg("byte %zu of %zu does not matter", i, size);
		error_destroy(err);
		bytes[i] ^= 1 << i % 8;
	}
	free(bytes);
}

static void test_every_length_is_an_error(void **state)
{
	uint8_t *bytes;
	size_t size;

	(void)state;
	write_small();
	bytes = read_file(&size);
	for (size_t length = 0; length < size; length++)
		assert_failure(read_all(bytes, length), ERROR_BAD_DATA);
	free(bytes);
}

// As whoever can compute checksums would do it.
static void seal(uint8_t *bytes, size_t size)
{
	struct store_header header;

	memcpy(&header, bytes, sizeof(header));
	header.directory_hash = XXH3_64bits(bytes + header.directory, size - header.directory);
	header.header_hash = XXH3_64bits(&header, offsetof(struct store_header, header_hash));
	memcpy(bytes, &header, sizeof(header));
}

static void test_claims_are_not_believed(void **state)
{
	uint8_t *bytes;
	size_t size, directory;
	struct store_column column;
	struct store_block block;

	(void)state;
	write_small();
	bytes = read_file(&size);
	memcpy(&directory, bytes + offsetof(struct store_header, directory), sizeof(directory));
	for (unsigned i = 0; i < 7; i++) {
		memcpy(&column, bytes + directory, sizeof(column));
		memcpy(&block, bytes + directory + 2 * sizeof(column), sizeof(block));
		column.width = i == 0 ? 3 : column.width;
		column.items += i == 1;
		column.block_count += i == 2 ? UINT32_MAX - 1 : 0;
		column.first_block += i == 3 ? 2 : 0;
		block.offset += i == 4 ? size : 0;
		block.packed_bytes += i == 5 ? (uint32_t)size : 0;
		if (i == 6)
			column.items = block.items = UINT32_MAX;
		uint8_t *changed = malloc(size);

		assert_non_null(changed);
		memcpy(changed, bytes, size);
		memcpy(changed + directory, &column, sizeof(column));
		memcpy(changed + directory + 2 * sizeof(column), &block, sizeof(block));
		seal(changed, size);
		assert_failure(read_all(changed, size), ERROR_BAD_DATA);
		free(changed);
	}
	free(bytes);
}

static void test_a_newer_format_is_refused_an_older_reader_goes_on(void **state)
{
	uint8_t *bytes;
	size_t size;
	uint32_t version = STORE_VERSION + 1;

	(void)state;
	write_small();
	bytes = read_file(&size);
	// Newer, but readable.
	memcpy(bytes + offsetof(struct store_header, version), &version, sizeof(version));
	seal(bytes, size);
	assert_success(read_all(bytes, size));
	memcpy(bytes + offsetof(struct store_header, version_lowest), &version, sizeof(version));
	assert_failure(read_all(bytes, size), ERROR_UNSUPPORTED);
	free(bytes);
}

static void test_the_file_is_there_when_it_is_whole(void **state)
{
	struct store_writer *writer;
	struct stat status;
	uint32_t item_of_it = 1;

	(void)state;
	unlink(path);
	assert_success(store_writer_create(path, 1, &writer));
	assert_success(store_writer_add(writer, 1, STORE_PLAIN, 4, &item_of_it, 1));
	assert_int_not_equal(stat(path, &status), 0);
	// Given up: nothing is left, as the folder's removal proves.
	store_writer_destroy(writer);
	assert_int_not_equal(stat(path, &status), 0);
	write_small();
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
}

static void test_memory_may_run_out(void **state)
{
	uint8_t *bytes;
	size_t size;

	(void)state;
	write_small();
	bytes = read_file(&size);
	for (uint64_t countdown = 0;; countdown++) {
		struct error *err;

		alloc_fail_after(countdown);
		err = read_all(bytes, size);
		alloc_fail_after(UINT64_MAX);
		if (!err)
			break;
		assert_int_equal(error_kind(err), ERROR_MEMORY);
		error_destroy(err);
		assert_true(countdown < 1000);
	}
	for (uint64_t countdown = 0;; countdown++) {
		struct store_writer *writer = NULL;
		struct error *err;

		alloc_fail_after(countdown);
		err = store_writer_create(path, 2, &writer);
		if (!err)
			err = store_writer_add(writer, 1, STORE_PLAIN, 1, bytes, size);
		if (!err)
			err = store_writer_finish(writer);
		alloc_fail_after(UINT64_MAX);
		store_writer_destroy(writer);
		if (!err)
			break;
		assert_int_equal(error_kind(err), ERROR_MEMORY);
		error_destroy(err);
		assert_true(countdown < 1000);
	}
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns_come_back),
		cmocka_unit_test(test_a_column_that_is_not_there_is_empty),
		cmocka_unit_test(test_blocks_are_cut_where_the_writer_says),
		cmocka_unit_test(test_every_changed_byte_is_an_error),
		cmocka_unit_test(test_every_length_is_an_error),
		cmocka_unit_test(test_claims_are_not_believed),
		cmocka_unit_test(test_a_newer_format_is_refused_an_older_reader_goes_on),
		cmocka_unit_test(test_the_file_is_there_when_it_is_whole),
		cmocka_unit_test(test_memory_may_run_out),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
