// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// The whole way from bytes to a graph, on heaps written by hand: everything is found, counts come
// out exactly, memory may run out anywhere, and the target may change while it is read.
#include "check.h"
#include "heap_zoo.h"
#include "open_heap.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "heap/heap_builder.h"
#include "target/target_ops.h"

// Below are the runtime and static types, which no reader survives if they change.
#define STATIC_END 0x20000000ull

static struct error *build(const struct heap_zoo *zoo, const struct target *target,
	unsigned workers, struct heap_builder **ret)
{
	struct heap_builder_options options = {.workers = workers, .keep_audit = true};

	return heap_build(target, &zoo->place, &options, ret);
}

static node_id node_of(const struct heap_builder *builder, remote_addr addr)
{
	node_id node = heap_addresses_find(&builder->addresses, addr);

	assert_int_not_equal(node, HEAP_NODE_NONE);
	return node;
}

static uint32_t edge_count_of(const struct heap_builder *builder, remote_addr addr)
{
	uint32_t count;

	heap_edges_of(builder->graph, node_of(builder, addr), &count);
	return count;
}

// Its code and three slots; the code once more; or a frame object and the code.
static uint32_t generator_edges(void)
{
	if (WRITER_HAS_OLD_FRAMES(layout))
		return 2;
	return pylayout_has(layout->gen.gi_code) ? 5 : 4;
}

static void test_everything_is_found(void **state)
{
	_cleanup_(heap_builder_destroy) struct heap_builder *builder = NULL;
	const struct heap_graph *graph;
	struct heap_label label;
	const uint32_t *edges;
	struct heap_zoo zoo;
	uint32_t count;

	(void)state;
	heap_zoo_write(&zoo, layout);
	assert_success(build(&zoo, zoo.target, 2, &builder));
	graph = builder->graph;
	assert_success(heap_graph_check(graph));
	assert_int_equal(builder->stats.torn, 0);
	assert_int_equal(builder->stats.dropped_edges, 0);
	edges = heap_edges_of(graph, node_of(builder, zoo.list), &count);
	assert_int_equal(count, 100);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(edges[i], node_of(builder, zoo.floats[i]));
	assert_int_equal(edge_count_of(builder, zoo.tuple), 90);
	assert_int_equal(edge_count_of(builder, zoo.dict), 6);
	// Python 2 counts the dummies of deleted items.
	assert_int_equal(edge_count_of(builder, zoo.set), WRITER_IS_PYTHON_2(layout) ? 22 : 20);
	assert_int_equal(edge_count_of(builder, zoo.deque), 120);
	if (!WRITER_IS_PYTHON_2(layout)) {
		assert_int_equal(edge_count_of(builder, zoo.split), 3);
		assert_int_equal(edge_count_of(builder, zoo.odict), 9);
		assert_int_equal(edge_count_of(builder, zoo.cache), 4);
	}
	assert_int_equal(edge_count_of(builder, zoo.generator), generator_edges());
	assert_int_equal(
		edge_count_of(builder, zoo.instance), WRITER_HAS_PREHEADER(layout) ? 4 : 2);
	assert_string_equal(graph->types[heap_type_of(graph, node_of(builder, zoo.instance))].name,
		"shapes.Point");
	assert_true(heap_has_flag(graph, node_of(builder, zoo.list), HEAP_NODE_TRACKED));
	assert_true(heap_has_flag(graph, node_of(builder, zoo.list), HEAP_NODE_CONTAINER));
	assert_true(heap_has_flag(graph, node_of(builder, zoo.cls), HEAP_NODE_TYPE));
	assert_false(heap_has_flag(graph, node_of(builder, zoo.cls), HEAP_NODE_STATIC));
	// Each link of the chain, though it takes a round to find the next.
	for (remote_addr link = zoo.chain; link != heap_writer_none(zoo.writer);
		link = heap_writer_get(zoo.writer, link + layout->tuple.ob_item))
		assert_int_equal(edge_count_of(builder, link), 80);
	graph->naming.label(graph->naming.context, node_of(builder, zoo.instance),
		WRITER_HAS_PREHEADER(layout) ? 3 : 1, &label);
	assert_string_equal(label.text, WRITER_HAS_PREHEADER(layout) ? "c" : "__dict__");
	assert_int_equal(
		label.kind, WRITER_HAS_PREHEADER(layout) ? HEAP_LABEL_ATTRIBUTE : HEAP_LABEL_FIELD);
	heap_zoo_drop(&zoo);
}

static void test_counts_are_exact(void **state)
{
	_cleanup_(heap_builder_destroy) struct heap_builder *builder = NULL;
	struct heap_zoo zoo;

	(void)state;
	heap_zoo_write(&zoo, layout);
	assert_success(build(&zoo, zoo.target, 1, &builder));
	for (node_id node = 1; node < builder->graph->node_count; node++) {
		remote_addr addr = heap_addresses_of(&builder->addresses, node);
		// The one it starts with.
		uint32_t spare = addr == heap_writer_none(zoo.writer);

		if (heap_has_flag(builder->graph, node, HEAP_NODE_STATIC))
			continue;
		assert_int_equal(builder->audit->refcnt[node], builder->audit->exact[node] + spare);
		assert_int_equal(heap_has_flag(builder->graph, node, HEAP_NODE_UNEXPLAINED), spare);
	}
	heap_zoo_drop(&zoo);
}

static const char *root_name(const struct heap_graph *graph, node_id node, enum heap_root_kind kind)
{
	size_t first, end = heap_graph_roots_of(graph, node, &first);

	for (; first < end; first++) {
		if (graph->roots[first].kind == kind)
			return graph->roots[first].name;
	}
	fail_msg("node %u is no root of kind %d", node, kind);
	return NULL;
}

static void test_roots(void **state)
{
	_cleanup_(heap_builder_destroy) struct heap_builder *builder = NULL;
	struct heap_zoo zoo;

	(void)state;
	heap_zoo_write(&zoo, layout);
	assert_success(build(&zoo, zoo.target, 2, &builder));
	if (WRITER_HAS_OLD_FRAMES(layout)) {
		// What a frame object holds is seen with all other objects.
		assert_string_equal(
			root_name(builder->graph, node_of(builder, zoo.frame), HEAP_ROOT_FRAME),
			"thread '' main");
		assert_int_equal(edge_count_of(builder, zoo.frame), 2);
	} else {
		assert_string_equal(
			root_name(builder->graph, node_of(builder, zoo.local), HEAP_ROOT_FRAME),
			"thread '' main local queue");
		assert_string_equal(root_name(builder->graph, node_of(builder, zoo.frame_code),
					    HEAP_ROOT_FRAME),
			"thread '' main f_code");
	}
	for (size_t i = 0; i < builder->graph->root_count; i++) {
		if (builder->graph->roots[i].kind == HEAP_ROOT_MODULES)
			assert_string_equal(builder->graph->roots[i].name, "sys.modules");
	}
	heap_zoo_drop(&zoo);
}

static void test_any_number_of_workers(void **state)
{
	_cleanup_(heap_builder_destroy) struct heap_builder *one = NULL;
	struct heap_zoo zoo;

	(void)state;
	heap_zoo_write(&zoo, layout);
	assert_success(build(&zoo, zoo.target, 1, &one));
	for (unsigned workers = 2; workers < 20; workers += 3) {
		_cleanup_(heap_builder_destroy) struct heap_builder *many = NULL;

		assert_success(build(&zoo, zoo.target, workers, &many));
		assert_success(heap_graph_check(many->graph));
		assert_int_equal(many->graph->node_count, one->graph->node_count);
		assert_int_equal(many->graph->edge_count, one->graph->edge_count);
		assert_int_equal(many->graph->root_count, one->graph->root_count);
		assert_int_equal(many->stats.bytes, one->stats.bytes);
		for (node_id node = 1; node < one->addresses.first_other; node++)
			assert_int_equal(
				many->graph->first_edge[node], one->graph->first_edge[node]);
	}
	heap_zoo_drop(&zoo);
}

// A class that is in nobody's list of subclasses is met on its instance.
static void test_types_are_learnt(void **state)
{
	_cleanup_(heap_builder_destroy) struct heap_builder *builder = NULL;
	struct heap_writer *writer = heap_writer_create(layout);
	remote_addr cls = heap_writer_class(
		writer, "Hidden", "cellar", heap_writer_type(writer, WRITER_OBJECT));
	remote_addr instances[10];
	struct heap_zoo zoo = {.writer = writer};

	(void)state;
	heap_writer_hide_class(writer);
	for (unsigned i = 0; i < 10; i++)
		instances[i] = heap_writer_object(writer, cls, layout->object.size);
	heap_writer_hold(writer, "hidden", heap_writer_list(writer, 10, instances, 10));
	zoo.target = heap_writer_finish(writer, &zoo.place);
	assert_success(build(&zoo, zoo.target, 2, &builder));
	for (unsigned i = 0; i < 10; i++) {
		node_id node = node_of(builder, instances[i]);

		assert_true(node < builder->addresses.first_other);
		assert_string_equal(builder->graph->types[heap_type_of(builder->graph, node)].name,
			"cellar.Hidden");
	}
	heap_zoo_drop(&zoo);
}

static void test_a_heap_of_nothing(void **state)
{
	_cleanup_(heap_builder_destroy) struct heap_builder *builder = NULL;
	struct heap_zoo zoo = {.writer = heap_writer_create(layout)};

	(void)state;
	zoo.target = heap_writer_finish(zoo.writer, &zoo.place);
	assert_success(build(&zoo, zoo.target, 16, &builder));
	assert_success(heap_graph_check(builder->graph));
	heap_zoo_drop(&zoo);
}

// Rows of one family differ in offsets, not in which code reads them.
static bool is_like_the_row_before(void)
{
	const struct pylayout *row, *before = NULL;

	for (size_t i = 0; (row = pylayout_row(i)) && row != layout; i++)
		before = row;
	return before && before->traits.attributes == layout->traits.attributes &&
	       before->traits.refcnt_is_half == layout->traits.refcnt_is_half &&
	       pylayout_has(before->dict.ma_table) == pylayout_has(layout->dict.ma_table) &&
	       pylayout_has(before->gc.young) == pylayout_has(layout->gc.young);
}

// Each allocation in turn fails: an error that says so, and nothing lost.
static void test_memory_runs_out(void **state)
{
	struct heap_builder *whole;
	unsigned done = 0;
	struct heap_zoo zoo;
	uint64_t n;

	(void)state;
	if (is_like_the_row_before())
		return;
	heap_zoo_write(&zoo, layout);
	assert_success(build(&zoo, zoo.target, 2, &whole));
	for (n = 0; done < 20; n++) {
		struct heap_builder *builder = NULL;
		struct error *err;

		assert_true(n < 100000);
		alloc_fail_after(n);
		err = build(&zoo, zoo.target, 2, &builder);
		if (err) {
			assert_int_equal(error_kind(err), ERROR_MEMORY);
			assert_null(builder);
			done = 0;
		} else {
			// Not reached any more; or a failure that does no harm did not harm.
			assert_int_equal(builder->graph->node_count, whole->graph->node_count);
			assert_int_equal(builder->graph->edge_count, whole->graph->edge_count);
			assert_int_equal(builder->graph->root_count, whole->graph->root_count);
			done++;
		}
		error_destroy(err);
		heap_builder_destroy(builder);
	}
	alloc_fail_after(UINT64_MAX);
	print_message("# %u allocations\n", (unsigned)(n - done));
	assert_true(n > 100);
	heap_builder_destroy(whole);
	heap_zoo_drop(&zoo);
}

// ---- a target that runs --------------------------------------------------------------------

struct running_target {
	struct target target;
	const struct heap_zoo *zoo;
	const struct target *bytes;
	_Atomic uint64_t reads;
	uint64_t seed, calm_reads; /* reads before anything changes */
	unsigned rate;             /* a word in this many is another; 0: all is gone */
};

static uint64_t mix(uint64_t value)
{
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
	value = (value ^ value >> 27) * 0x94d049bb133111eb;
	return value ^ value >> 31;
}

// What else a word may be: nothing, small, a type, an object, far away.
static uint64_t other_word(const struct running_target *running, uint64_t noise)
{
	const struct heap_zoo *zoo = running->zoo;
	const remote_addr objects[] = {zoo->list, zoo->tuple, zoo->dict, zoo->split, zoo->set,
		zoo->deque, zoo->odict, zoo->cache, zoo->generator, zoo->instance, zoo->cls};

	switch (noise % 6) {
	case 0:
		return 0;
	case 1:
		return noise >> 8 & 0xff;
	case 2:
		return heap_writer_type(
			zoo->writer, (enum heap_writer_type)((noise >> 8) % WRITER_TYPE_COUNT));
	case 3:
		return objects[(noise >> 8) % (sizeof(objects) / sizeof(objects[0]))];
	case 4:
		return objects[(noise >> 8) % 8] + (noise >> 16) % 64 * 8;
	default:
		return noise;
	}
}

static size_t running_read(const struct target *target, remote_addr addr, void *buffer, size_t size)
{
	struct running_target *running = (struct running_target *)target;
	uint64_t turn = atomic_fetch_add(&running->reads, 1);
	size_t available;
	const void *bytes = target_borrow(running->bytes, addr, &available);

	if (!bytes)
		return 0;
	size = size < available ? size : available;
	memcpy(buffer, bytes, size);
	if (turn < running->calm_reads || addr < STATIC_END)
		return size;
	for (size_t i = 0; i + 8 <= size; i += 8) {
		uint64_t noise = mix(running->seed ^ mix(turn ^ mix(addr + i)));
		uint64_t word = running->rate ? other_word(running, noise >> 16) : 0;

		if (!running->rate || noise % running->rate == 0)
			memcpy((char *)buffer + i, &word, 8);
	}
	return size;
}

static void running_destroy(struct target *target)
{
	(void)target;
}

static const struct target_ops running_ops = {.read = running_read, .destroy = running_destroy};

static void copy_mappings(const struct mappings *from, struct mappings *ret)
{
	ret->items = mem_calloc(from->count, sizeof(*ret->items));
	assert_non_null(ret->items);
	memcpy(ret->items, from->items, from->count * sizeof(*ret->items));
	ret->count = from->count;
}

// Everything a front end may ask of a node, of memory that is another by now.
static void ask_about(const struct heap_graph *graph, node_id node)
{
	const struct heap_naming *naming = &graph->naming;
	struct heap_label label;
	char text[100];
	uint32_t count;

	heap_edges_of(graph, node, &count);
	naming->length(naming->context, node);
	naming->bound(naming->context, node);
	naming->name(naming->context, node, text, sizeof(text));
	naming->file(naming->context, node, text, sizeof(text));
	naming->free_variable(naming->context, node, 0, text, sizeof(text));
	naming->label(naming->context, node, count / 2, &label);
}

#define SEEDS 18

// Other changes on each row.
static uint64_t first_seed(void)
{
	uint64_t row = 0;

	while (pylayout_row(row) != layout)
		row++;
	return 1 + row * SEEDS;
}

static void test_the_target_changes(void **state)
{
	unsigned built = 0;
	struct heap_zoo zoo;

	(void)state;
	heap_zoo_write(&zoo, layout);
	for (uint64_t seed = first_seed(); seed < first_seed() + SEEDS; seed++) {
		struct running_target running = {.target = {.ops = &running_ops},
			.zoo = &zoo,
			.bytes = zoo.target,
			.seed = mix(seed),
			.calm_reads = seed % 4 * 40,
			.rate = seed % 3 ? 400 : 20};
		struct heap_builder *builder = NULL;
		struct error *err;

		copy_mappings(target_mappings(zoo.target), &running.target.mappings);
		err = build(&zoo, &running.target, 2, &builder);
		if (!err) {
			built++;
			assert_success(heap_graph_check(builder->graph));
			for (node_id node = 1; node < builder->graph->node_count; node += 7)
				ask_about(builder->graph, node);
		}
		error_destroy(err);
		heap_builder_destroy(builder);
		target_destroy(&running.target);
	}
	assert_true(built > SEEDS / 2);
	heap_zoo_drop(&zoo);
}

// How often a target is read while a graph is made of it.
static uint64_t count_reads(const struct heap_zoo *zoo)
{
	_cleanup_(heap_builder_destroy) struct heap_builder *builder = NULL;
	struct running_target running = {.target = {.ops = &running_ops},
		.zoo = zoo,
		.bytes = zoo->target,
		.calm_reads = UINT64_MAX};

	copy_mappings(target_mappings(zoo->target), &running.target.mappings);
	assert_success(build(zoo, &running.target, 1, &builder));
	target_destroy(&running.target);
	return running.reads;
}

// After some reads there is nothing but zeros where objects were: what they were is forgotten,
// their nodes are not.
static void test_the_objects_go(void **state)
{
	unsigned lost = 0;
	struct heap_zoo zoo;
	uint64_t reads;

	(void)state;
	heap_zoo_write(&zoo, layout);
	reads = count_reads(&zoo);
	// Most of them are done when it is opened.
	for (uint64_t calm = reads / 4; calm < reads; calm += 1 + calm % 2) {
		struct running_target running = {.target = {.ops = &running_ops},
			.zoo = &zoo,
			.bytes = zoo.target,
			.calm_reads = calm};
		struct heap_builder *builder = NULL;
		struct error *err;

		copy_mappings(target_mappings(zoo.target), &running.target.mappings);
		err = build(&zoo, &running.target, 1, &builder);
		for (unsigned i = 0; !err && i < 120; i++) {
			node_id node = heap_addresses_find(&builder->addresses, zoo.floats[i]);

			// A float that is gone is no class.
			assert_true(node == HEAP_NODE_NONE ||
				    !heap_has_flag(builder->graph, node, HEAP_NODE_TYPE));
		}
		if (!err) {
			assert_success(heap_graph_check(builder->graph));
			lost += builder->stats.torn > 100;
		}
		error_destroy(err);
		heap_builder_destroy(builder);
		target_destroy(&running.target);
	}
	assert_true(lost > 0);
	heap_zoo_drop(&zoo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_is_found),
		cmocka_unit_test(test_counts_are_exact),
		cmocka_unit_test(test_roots),
		cmocka_unit_test(test_any_number_of_workers),
		cmocka_unit_test(test_types_are_learnt),
		cmocka_unit_test(test_a_heap_of_nothing),
		cmocka_unit_test(test_memory_runs_out),
		cmocka_unit_test(test_the_target_changes),
		cmocka_unit_test(test_the_objects_go),
	};

	return RUN_ON_EACH_ROW(tests);
}
