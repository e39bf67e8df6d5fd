// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/live_target.h"

#include "base/alloc.h"
#include "base/error.h"
#include "target/process_internal.h"
#include "target/procfs.h"
#include "target/target_ops.h"
#include "target/thread_names.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

// A larger read is one system call that holds the target's memory map for long.
#define READ_BYTES_MAX ((size_t)16 << 20)

struct live_target {
	struct target target;
	struct process *process; /* borrowed */
	pid_t thread;            /* through which memory is read */
};

size_t live_read(int memory_fd, remote_addr addr, void *buffer, size_t size)
{
	ssize_t count;

	if (addr > (remote_addr)INT64_MAX)
		return 0;
	do {
		count = pread(memory_fd, buffer, size < READ_BYTES_MAX ? size : READ_BYTES_MAX,
			(off_t)addr);
	} while (count < 0 && errno == EINTR);
	return count < 0 ? 0 : (size_t)count;
}

static size_t live_target_read(
	const struct target *target, remote_addr addr, void *buffer, size_t size)
{
	const struct live_target *live = (const struct live_target *)target;

	return live_read(live->process->memory_fd, addr, buffer, size);
}

static size_t live_target_read_pieces(
	const struct target *target, const struct target_piece *pieces, unsigned count)
{
	const struct live_target *live = (const struct live_target *)target;
	struct iovec local[TARGET_PIECES_MAX] = {0}, remote[TARGET_PIECES_MAX] = {0};
	ssize_t bytes;

	for (unsigned i = 0; i < count; i++) {
		local[i] = (struct iovec){pieces[i].bytes, pieces[i].size};
		remote[i] = (struct iovec){(void *)pieces[i].addr, pieces[i].size};
	}
	bytes = process_vm_readv(live->thread, local, count, remote, count, 0);
	return bytes < 0 ? 0 : (size_t)bytes;
}

struct error *live_resident(pid_t pid, remote_addr start, remote_addr end, enum page_kind kind,
	struct page_run_vector *runs)
{
	_cleanup_(close) int fd = -1;
	struct error *error = resident_pages_open(pid, &fd);

	return error ? error : resident_pages_find(fd, start, end, kind, runs);
}

static struct error *live_target_resident(const struct target *target, remote_addr start,
	remote_addr end, enum page_kind kind, struct page_run_vector *runs)
{
	return live_resident(((const struct live_target *)target)->thread, start, end, kind, runs);
}

static bool live_target_is_gone(const struct target *target)
{
	return !process_is_alive(((const struct live_target *)target)->process);
}

static void live_target_destroy(struct target *target)
{
	mem_free(target);
}

static const struct target_ops live_ops = {
	.read = live_target_read,
	.read_pieces = live_target_read_pieces,
	.resident = live_target_resident,
	.is_gone = live_target_is_gone,
	.destroy = live_target_destroy,
};

static struct error *list_threads(struct live_target *live)
{
	_cleanup_(pid_vector_deinit) struct pid_vector ids = {0};
	struct error *error = proc_list_threads(process_pid(live->process), &ids);

	if (error)
		return error;
	live->target.threads = mem_calloc(ids.count, sizeof(*live->target.threads));
	if (!live->target.threads)
		return error_enomem();
	live->target.thread_count = ids.count;
	for (size_t i = 0; i < ids.count; i++)
		live->target.threads[i].id = ids.items[i];
	thread_names_read(process_pid(live->process), live->target.threads, ids.count);
	return NULL;
}

struct error *live_target_create(struct process *process, struct target **ret)
{
	struct live_target *live = mem_calloc(1, sizeof(*live));
	struct error *error;

	if (!live)
		return error_enomem();
	live->target.ops = &live_ops;
	live->target.origin = &process->origin;
	live->process = process;
	live->thread = process_memory_thread(process);
	error = mappings_read(live->thread, &live->target.mappings);
	if (!error)
		error = list_threads(live);
	if (!error)
		error = process_check_same(process);
	if (error) {
		target_destroy(&live->target);
		return error;
	}
	*ret = &live->target;
	return NULL;
}
