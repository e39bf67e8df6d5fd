// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// Tables of dicts whose bytes are hostile: whatever they say, a walk ends, and within bounds.
#include "check.h"
#include "open_heap.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "cpython/pytext.h"

#define NAMES 200

struct subject {
	struct heap_writer *writer;
	remote_addr small, large, general, split, instance;
	remote_addr names[NAMES];
	struct open_heap heap;
};

static void begin(struct subject *subject)
{
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr *names = subject->names, keys;

	subject->writer = writer;
	for (unsigned i = 0; i < NAMES; i++) {
		char name[16];

		snprintf(name, sizeof(name), "key%u", i);
		names[i] = heap_writer_str(writer, name);
	}
	subject->small = heap_writer_dict(writer, 1, 3, names, names);
	subject->large = heap_writer_dict(writer, 1, NAMES, names, names);
	subject->general = heap_writer_dict(writer, 0, 20, names, names);
	subject->split = heap_writer_dict(writer, 1, 3, names, names);
	if (!WRITER_IS_PYTHON_2(layout)) {
		keys = heap_writer_keys(writer, 2, 3, names, NULL);
		subject->split = heap_writer_dict_of(writer, heap_writer_type(writer, WRITER_DICT),
			keys, heap_writer_values(writer, keys, 3, names), 3);
	}
	subject->instance = heap_writer_instance(writer,
		heap_writer_class_with(
			writer, "C", "m", heap_writer_type(writer, WRITER_OBJECT), 3, names),
		names);
	open_written_heap(&subject->heap, writer);
}

static void end(struct subject *subject)
{
	close_written_heap(&subject->heap);
}

static uint64_t odd_number(void)
{
	static const uint64_t odd[] = {0, 1, 2, 7, 8, 255, 256, 65535, 65536, UINT32_MAX,
		1ull << 32, 1ull << 36, (1ull << 36) + 1, 1ull << 40, 1ull << 47, 1ull << 48,
		INT64_MAX, 1ull << 63, UINT64_MAX, UINT64_MAX - 7, 0x0808080808080808};

	return odd[(size_t)rand() % (sizeof(odd) / sizeof(odd[0]))];
}

// Entries up to the first that cannot be read, and no more than the segment has room for.
static void walk(struct subject *subject, remote_addr dict)
{
	struct pyreader *reader = &subject->heap.context.reader;
	struct pydict_table table;
	remote_addr key, value;
	uint64_t entries = 0;

	if (!pydict_read(reader, layout, dict, &table))
		return;
	assert_true(table.count <= LIMIT_ITEMS);
	while (pydict_entry(reader, &table, entries, &key, &value))
		entries++;
	assert_true(entries <= table.count);
	assert_true(entries <= (1 << 20) / 8);
}

// Flushes of a scan that is not kept.
static void drop_refs(struct pyscan *scan)
{
	(void)scan;
}

static void scan(struct subject *subject, remote_addr object)
{
	static struct pylabel labels[PYSCAN_BATCH];
	static struct pyscan scan;

	scan = (struct pyscan){.context = &subject->heap.context,
		.flush = drop_refs,
		.labels = labels,
		.words_max = 1 << 20};
	pyobject_scan_at(&scan, object);
	pyscan_flush(&scan);
	assert_true(scan.words <= (1 << 20) + (1 << 18));
}

// The word at @p addr is spoilt, looked at, and put back.
static void spoil(struct subject *subject, remote_addr addr, uint64_t value)
{
	uint64_t old = heap_writer_get(subject->writer, addr);
	const remote_addr dicts[] = {
		subject->small, subject->large, subject->general, subject->split};

	heap_writer_put(subject->writer, addr, value);
	for (unsigned i = 0; i < 4; i++) {
		walk(subject, dicts[i]);
		scan(subject, dicts[i]);
	}
	scan(subject, subject->instance);
	pydict_find(&subject->heap.context, subject->small, "key1");
	pydict_find(&subject->heap.context, subject->large, "absent");
	pyinstance_attribute(&subject->heap.context, subject->instance, "key2");
	heap_writer_put(subject->writer, addr, old);
}

static void test_spoilt_dicts(void **state)
{
	struct subject subject;

	(void)state;
	begin(&subject);
	srand(2);
	for (uint32_t at = layout->object.size; at + 8 <= layout->dict.size; at += 8) {
		for (unsigned i = 0; i < 4; i++) {
			spoil(&subject, subject.large + at, odd_number());
			spoil(&subject, subject.small + at, odd_number());
			spoil(&subject, subject.split + at, odd_number());
		}
	}
	end(&subject);
}

static void test_spoilt_keys(void **state)
{
	struct subject subject;
	remote_addr keys[4];

	(void)state;
	if (WRITER_IS_PYTHON_2(layout))
		return;
	begin(&subject);
	keys[0] = heap_writer_get(subject.writer, subject.large + layout->dict.ma_keys);
	keys[1] = heap_writer_get(subject.writer, subject.general + layout->dict.ma_keys);
	keys[2] = heap_writer_get(subject.writer, subject.split + layout->dict.ma_keys);
	keys[3] = heap_writer_get(subject.writer,
		heap_writer_get(subject.writer, subject.instance + layout->object.ob_type) +
			layout->heap_type.ht_cached_keys);
	srand(3);
	for (unsigned i = 0; i < 4; i++) {
		for (uint32_t at = 0; at <= layout->keys.dk_indices; at += 8) {
			for (unsigned k = 0; k < 10; k++)
				spoil(&subject, keys[i] + at,
					k < 5 ? odd_number() : (uint64_t)rand());
		}
	}
	end(&subject);
}

// Where attributes without a dict are: before the object, or behind it.
static void test_spoilt_instances(void **state)
{
	struct subject subject;

	(void)state;
	begin(&subject);
	srand(4);
	for (int64_t at = -(int64_t)(layout->gc_head.size + layout->traits.preheader_bytes);
		at < 40; at += 8) {
		for (unsigned i = 0; i < 20; i++)
			spoil(&subject, subject.instance + (uint64_t)at,
				i % 2 ? odd_number() : subject.names[i] + (uint64_t)(rand() % 9));
	}
	end(&subject);
}

// A dict that is its own keys object, and one whose table is another's.
static void test_tables_of_others(void **state)
{
	struct subject subject;
	remote_addr slot;

	(void)state;
	begin(&subject);
	slot = WRITER_IS_PYTHON_2(layout) ? layout->dict.ma_table : layout->dict.ma_keys;
	spoil(&subject, subject.small + slot, subject.small);
	spoil(&subject, subject.small + slot, subject.large);
	spoil(&subject, subject.large + slot,
		heap_writer_get(subject.writer, subject.small + slot));
	if (!WRITER_IS_PYTHON_2(layout)) {
		spoil(&subject, subject.split + layout->dict.ma_values, subject.split);
		spoil(&subject, subject.large + layout->dict.ma_values, subject.large + 1);
	}
	end(&subject);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spoilt_dicts),
		cmocka_unit_test(test_spoilt_keys),
		cmocka_unit_test(test_spoilt_instances),
		cmocka_unit_test(test_tables_of_others),
	};

	return RUN_ON_EACH_ROW(tests);
}
