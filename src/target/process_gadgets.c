// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// The instructions in a process that injection lets it execute.
#include "target/process_internal.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/path.h"

#include <string.h>
#include <sys/uio.h>

#define BLOCK_BYTES ((size_t)256 << 10)

static size_t read_block(pid_t pid, remote_addr addr, void *buffer, size_t size)
{
	struct iovec local = {buffer, size}, remote = {(void *)addr, size};
	ssize_t count = process_vm_readv(pid, &local, 1, &remote, 1, 0);

	return count < 0 ? 0 : (size_t)count;
}

// Code that is mapped from a file, or the kernel's own: a JIT's code may change under our hands.
// The vsyscall page looks executable but is emulated.
static bool is_steady_code(const struct mapping *mapping)
{
	return mapping->readable && mapping->executable && !mapping->writable &&
	       ((mapping->inode && !mapping->shared) || strcmp(mapping->path, "[vdso]") == 0);
}

static bool has_all(const struct machine_gadgets *gadgets)
{
	return gadgets->system_call && gadgets->signal_return;
}

// Both are in the C library: what asks the kernel for something, and what returns from a signal. It is small, and
// so much used that its pages are there already.
static bool is_likely(const struct mapping *mapping)
{
	const char *name = path_base_name(mapping->path);

	return strncmp(name, "libc.", 5) == 0 || strncmp(name, "libc-", 5) == 0 ||
	       strncmp(name, "ld-", 3) == 0;
}

static void search_mapping(pid_t pid, const struct mapping *mapping, unsigned char *block,
	uint64_t *total, struct machine_gadgets *gadgets)
{
	for (remote_addr at = mapping->start; at < mapping->end;) {
		size_t size = mapping->end - at < BLOCK_BYTES ? mapping->end - at : BLOCK_BYTES;
		size_t got = read_block(pid, at, block, size);

		machine_find_gadgets(block, got, at, gadgets);
		*total += got;
		if (got < BLOCK_BYTES || *total >= LIMIT_GADGET_BYTES || has_all(gadgets))
			return;
		// A sequence may lie across the border of two blocks.
		at += got - MACHINE_GADGET_BYTES;
	}
}

// What is read of a mapped file is counted as the process's own memory from then on: as little as possible.
struct error *machine_gadgets_search(
	pid_t pid, const struct mappings *mappings, struct machine_gadgets *ret)
{
	_cleanup_(mem_free) unsigned char *block = mem_alloc(BLOCK_BYTES);
	struct machine_gadgets gadgets = {0};
	uint64_t total = 0;

	if (!block)
		return error_enomem();
	for (unsigned round = 0; round < 2; round++) {
		for (size_t i = 0; i < mappings->count && total < LIMIT_GADGET_BYTES; i++) {
			const struct mapping *mapping = &mappings->items[i];

			if (!is_steady_code(mapping) || is_likely(mapping) != (round == 0))
				continue;
			search_mapping(pid, mapping, block, &total, &gadgets);
			if (has_all(&gadgets)) {
				*ret = gadgets;
				return NULL;
			}
		}
	}
	return error_create(ERROR_UNSUPPORTED, "its code has no %s",
		gadgets.system_call ? "return from signals" : "usable system call instruction");
}

static bool still_there(const struct process *process, const struct machine_gadgets *gadgets)
{
	struct machine_gadgets now = {0};
	unsigned char bytes[2][MACHINE_GADGET_BYTES];
	pid_t thread = process_memory_thread(process);
	size_t sizes[2];

	if (!gadgets->system_call)
		return false;
	sizes[0] = read_block(thread, gadgets->system_call, bytes[0], MACHINE_GADGET_BYTES);
	sizes[1] = read_block(thread, gadgets->signal_return, bytes[1], MACHINE_GADGET_BYTES);
	machine_find_gadgets(bytes[0], sizes[0], gadgets->system_call, &now);
	now.signal_return = 0;
	machine_find_gadgets(bytes[1], sizes[1], gadgets->signal_return, &now);
	return now.system_call == gadgets->system_call &&
	       now.signal_return == gadgets->signal_return;
}

struct error *process_find_gadgets(
	struct process *process, const struct mappings *mappings, struct machine_gadgets *ret)
{
	struct error *error = NULL;

	if (!still_there(process, &process->gadgets))
		error = machine_gadgets_search(
			process_memory_thread(process), mappings, &process->gadgets);
	if (!error)
		*ret = process->gadgets;
	return error;
}
