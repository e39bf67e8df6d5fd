// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/kinds/kinds.h"

#include "base/limits.h"
#include "cpython/pymalloc.h"

static bool is_declared(struct pyscan *scan, uint64_t offset)
{
	const struct pymember *members = scan->context->python->types->members.items;
	const struct pytype *type = scan->type;

	if ((int64_t)offset == type->dictoffset || (int64_t)offset == type->weaklistoffset)
		return true;
	for (uint32_t i = 0; i < type->member_count; i++) {
		if (members[type->member_first + i].offset == offset)
			return true;
	}
	return false;
}

// Blocks that C code keeps for an object: how deep they are followed, and how large they may be. An
// XML element's children are two blocks away.
#define PRIVATE_DEPTH           2
#define PRIVATE_BYTES_MAX       4096
// A larger one is looked at only if it is an array of objects: its first words are nothing else.
// The children of an XML element with thousands of them are one.
#define PRIVATE_ARRAY_BYTES_MAX (1ull << 30)
#define PRIVATE_ARRAY_PROBES    16
// glibc's malloc: the word before a block is the size of its chunk, with flags in the low bits. The
// next chunk has a flag that this one is in use; a large one is a mapping of its own.
#define CHUNK_FLAGS             7ull
#define CHUNK_PREV_IN_USE       1ull
#define CHUNK_MMAPPED           2ull
#define CHUNK_HEAD              16
#define CHUNK_BYTES_MIN         32
#define PAGE_BYTES              4096

static uint64_t malloc_size(struct pyscan *scan, remote_addr addr)
{
	const struct mapping *mapping =
		mappings_find(target_mappings(scan->context->python->target), addr);
	remote_addr chunk = addr - CHUNK_HEAD;
	uint64_t size, flags, next;

	if (!mapping || chunk < mapping->start || !pyreader_u64(reader_of(scan), addr - 8, &size))
		return 0;
	flags = size & CHUNK_FLAGS;
	size -= flags;
	if (size < CHUNK_BYTES_MIN || size % 16 || size > PRIVATE_ARRAY_BYTES_MAX ||
		size > mapping->end - chunk)
		return 0;
	if (flags & CHUNK_MMAPPED)
		return chunk % PAGE_BYTES || size % PAGE_BYTES ? 0 : size - CHUNK_HEAD;
	return pyreader_u64(reader_of(scan), chunk + size + 8, &next) && next & CHUNK_PREV_IN_USE
		       ? size - 8
		       : 0;
}

// The usable size of the allocated block that starts at @p addr; 0 if none does.
static uint64_t block_size(struct pyscan *scan, remote_addr addr)
{
	const struct pylayout *layout = layout_of(scan);
	struct pyreader *reader = reader_of(scan);
	remote_addr pool = addr & ~(uint64_t)(layout->traits.pool_bytes - 1);
	const uint8_t *header;
	uint64_t size;

	if (addr % 16)
		return 0;
	header = pyreader_bytes(reader, pool, layout->pool.header_size);
	if (header && pymalloc_is_pool(layout, header)) {
		size = (load_u32(header + layout->pool.szidx) + 1) * layout->traits.alignment;
		return addr - pool >= layout->pool.header_size &&
				       (addr - pool - layout->pool.header_size) % size == 0
			       ? size
			       : 0;
	}
	return malloc_size(scan, addr);
}

// A chunk of a thread's stack of Python frames (_PyStackChunk: previous, size in bytes, top in words)
// is pages of its own. Coroutine libraries (greenlet) set the stacks of what is not running aside:
// then the locals and values of these frames have no other holder.
#define STACK_CHUNK_BYTES_MIN 16384
#define STACK_CHUNK_BYTES_MAX (1u << 24)
#define STACK_CHUNK_HEAD      24

static uint64_t stack_chunk_size(struct pyscan *scan, remote_addr addr)
{
	const uint8_t *head =
		addr % PAGE_BYTES ? NULL : pyreader_bytes(reader_of(scan), addr, STACK_CHUNK_HEAD);
	uint64_t previous, size, top;

	if (!head)
		return 0;
	previous = load_u64(head);
	size = load_u64(head + 8);
	top = load_u64(head + 16);
	return size >= STACK_CHUNK_BYTES_MIN && size <= STACK_CHUNK_BYTES_MAX &&
			       !(size & (size - 1)) && top <= size / 8 && !(previous % PAGE_BYTES)
		       ? size
		       : 0;
}

// The words of an object that no reader knows, and of the blocks they lead to, breadth first: the
// queue is bounded, each block is looked at once.
struct private_blocks {
	remote_addr addr[64];
	uint8_t depth[64];
	unsigned count;
};

// Some libraries keep a word before what they allocate: SQLite its size.
static remote_addr block_start(struct pyscan *scan, remote_addr addr)
{
	if (addr % 16 == 8 && malloc_size(scan, addr - 8))
		return addr - 8;
	return block_size(scan, addr) || stack_chunk_size(scan, addr) ? addr : 0;
}

static void add_private(
	struct pyscan *scan, struct private_blocks *blocks, remote_addr addr, uint8_t depth)
{
	remote_addr start;

	if (blocks->count == sizeof(blocks->addr) / sizeof(blocks->addr[0]))
		return;
	start = block_start(scan, addr);
	for (unsigned i = 0; i < blocks->count; i++) {
		if (blocks->addr[i] == start)
			return;
	}
	// What begins at a page may be a mapping of its own.
	if (!start && addr % PAGE_BYTES == 0)
		pyscan_note_part(scan, addr, depth);
	if (!start)
		return;
	blocks->addr[blocks->count] = start;
	blocks->depth[blocks->count++] = depth;
}

static bool is_in_writable_memory(struct pyscan *scan, remote_addr addr)
{
	return mappings_is_writable(target_mappings(scan->context->python->target), addr);
}

static void scan_word(
	struct pyscan *scan, struct private_blocks *blocks, uint64_t value, uint8_t depth)
{
	if (value < 4096 || value % 8 || !is_in_writable_memory(scan, value))
		return;
	if (pyobject_type(scan->context, value) != PYTYPE_NONE)
		emit(scan, value | PYREF_INFERRED, (struct pylabel){.kind = PYLABEL_NONE});
	else if (depth < PRIVATE_DEPTH)
		add_private(scan, blocks, value, (uint8_t)(depth + 1));
}

static bool is_object_at(struct pyscan *scan, uint64_t addr)
{
	return addr >= 4096 && addr % 8 == 0 && is_in_writable_memory(scan, addr) &&
	       pyobject_type(scan->context, addr) != PYTYPE_NONE;
}

// Objects from the start of a large block to the first word that is none: where a vector has room
// left is what was there before.
static void scan_private_array(struct pyscan *scan, remote_addr addr, uint64_t size)
{
	struct pyreader *reader = reader_of(scan);

	for (uint64_t i = 0; i < PRIVATE_ARRAY_PROBES; i++) {
		if (!is_object_at(scan, pyreader_pointer(reader, addr + i * 8)))
			return;
	}
	for (uint64_t i = 0; i < size / 8; i++) {
		uint64_t value = pyreader_pointer(reader, addr + i * 8);

		if (!is_object_at(scan, value) || !may_look(scan, 1))
			return;
		emit(scan, value | PYREF_INFERRED,
			(struct pylabel){.kind = PYLABEL_INDEX, .index = i});
	}
}

// Frames are not told apart, and above the last one are words of earlier ones: a count has room for
// what is a reference.
static void scan_stack_chunk(struct pyscan *scan, remote_addr addr, uint64_t size)
{
	for (uint64_t offset = STACK_CHUNK_HEAD; offset + 8 <= size; offset += 8) {
		uint64_t value = pyreader_pointer(reader_of(scan), addr + offset);

		if (!may_look(scan, 1))
			return;
		if (is_object_at(scan, value))
			emit(scan, value | PYREF_INFERRED, (struct pylabel){.kind = PYLABEL_NONE});
	}
}

static void scan_private(struct pyscan *scan, struct private_blocks *blocks, unsigned index)
{
	remote_addr addr = blocks->addr[index];
	uint64_t chunk = stack_chunk_size(scan, addr);
	uint64_t size = chunk ? 0 : block_size(scan, addr);

	pyscan_note_block(scan, addr, size, blocks->depth[index]);
	// Blocks that very many objects share: at half of what may be looked at, these guesses end,
	// and the rest is for what is certain.
	if (scan->words_max && scan->words > scan->words_max / 2)
		return;
	if (chunk) {
		scan_stack_chunk(scan, addr, chunk);
		return;
	}
	if (size > PRIVATE_BYTES_MAX) {
		scan_private_array(scan, addr, size);
		return;
	}
	scan->words += size / 8;
	for (uint64_t offset = 0; offset + 8 <= size; offset += 8)
		scan_word(scan, blocks, pyreader_pointer(reader_of(scan), addr + offset),
			blocks->depth[index]);
}

// What unknown C types add to the layout that is known.
void pykind_scan_added(struct pyscan *scan)
{
	const struct pytype *type = scan->type;
	struct private_blocks blocks = {.count = 0};
	uint64_t items = type->itemsize && type->kind == PYKIND_PLAIN
				 ? word(scan, layout_of(scan)->object.ob_size)
				 : 0;

	for (uint64_t offset = (type->layout_size + 7) & ~7ull; offset + 8 <= type->scan_end;
		offset += 8) {
		if (!is_declared(scan, offset))
			scan_word(scan, &blocks, word(scan, offset), 0);
	}
	if (items && items < LIMIT_FRAME_SLOTS && type->itemsize % 8 == 0) {
		uint64_t end = items * (uint64_t)type->itemsize;

		for (uint64_t offset = 0; offset < end; offset += 8)
			scan_word(scan, &blocks, word(scan, (uint64_t)type->basicsize + offset), 0);
	}
	for (unsigned i = 0; i < blocks.count; i++)
		scan_private(scan, &blocks, i);
}
