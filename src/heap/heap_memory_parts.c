// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/*
 * Names of the parts of memory: apart from the count, so that who shows figures needs no process.
 */
#include "heap/heap_memory.h"

#include "base/alloc.h"

static const struct {
	const char *name, *text;
} part_texts[HEAP_PART_COUNT] = {
	[HEAP_PART_OBJECTS] = {"objects", "live Python objects, their tables and buffers"},
	[HEAP_PART_ROUNDING] = {"objects-rounding",
		"room in their blocks that they did not ask for"},
	[HEAP_PART_GARBAGE] = {"garbage", "unreachable objects that a collection would free"},
	[HEAP_PART_LOST] = {"lost", "unreachable objects that no collection frees"},
	[HEAP_PART_UNEXPLAINED_REFERENCES] = {"unexplained-references",
		"objects held only by references that nothing found explains"},
	[HEAP_PART_FREE_LISTS] = {"free-lists", "dead objects kept for the next of their kind"},
	[HEAP_PART_NUMBER_BLOCKS] = {"number-blocks",
		"free places for ints and floats, which Python 2 never gives back"},
	[HEAP_PART_POOL_OTHER] = {"pymalloc-other", "small blocks of C code"},
	[HEAP_PART_FREE_BLOCKS] = {"pymalloc-free-blocks", "free blocks in pools that are in use"},
	[HEAP_PART_FREE_POOLS] = {"pymalloc-free-pools", "free pools in arenas that are in use"},
	[HEAP_PART_FREE_ARENAS] = {"pymalloc-free-arenas", "arenas that are wholly free"},
	[HEAP_PART_POOL_HEADERS] = {"pymalloc-own", "heads and ends of pools"},
	[HEAP_PART_C_OWNED] = {"c-owned", "memory of C code that Python objects lead to"},
	[HEAP_PART_C_OTHER] = {"c-other", "memory of C code"},
	[HEAP_PART_MALLOC_CACHED] = {"malloc-cached",
		"free, kept by malloc for a thread or for speed"},
	[HEAP_PART_MALLOC_FREE] = {"malloc-free", "free in malloc, between blocks in use"},
	[HEAP_PART_MALLOC_TOP] = {"malloc-top", "free in malloc, at the end of its arenas"},
	[HEAP_PART_MALLOC_OWN] = {"malloc-own", "malloc's own structures"},
	[HEAP_PART_OTHER_ALLOCATOR] = {"other-allocator",
		"memory of another allocator than glibc's"},
	[HEAP_PART_MAPPED] = {"mapped", "anonymous mappings whose owner is known"},
	[HEAP_PART_STACKS] = {"stacks", "C stacks of threads"},
	[HEAP_PART_PYTHON_STACKS] = {"python-stacks", "stacks of Python frames"},
	[HEAP_PART_LIBRARY_DATA] = {"library-data", "data of the program and its libraries"},
	[HEAP_PART_FILES] = {"files", "pages of mapped files, code above all"},
	[HEAP_PART_SHARED] = {"shared", "shared memory"},
	[HEAP_PART_KERNEL] = {"kernel", "mapped by the kernel"},
	[HEAP_PART_UNEXPLAINED] = {"unexplained", "anonymous memory of which no owner was found"},
	[HEAP_PART_FROZEN] = {"frozen-garbage",
		"unreachable objects that gc.freeze() hides from the collector"},
};

const char *heap_memory_part_name(enum heap_memory_part part)
{
	return part_texts[part].name;
}

const char *heap_memory_part_text(enum heap_memory_part part)
{
	return part_texts[part].text;
}

void heap_memory_figures_deinit(struct heap_memory_figures *figures)
{
	mem_free(figures->types);
	mem_free(figures->arenas);
	mem_free(figures->mallocs);
	mem_free(figures->owners);
	mem_free(figures->classes);
	mem_free(figures->mappings);
	for (size_t i = 0; i < figures->text_count; i++)
		mem_free(figures->texts[i]);
	mem_free(figures->texts);
	*figures = (struct heap_memory_figures){0};
}
