// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/quiet_signal.h"

#include "base/alloc.h"
#include "base/error.h"
#include "target/procfs.h"

#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>

#define STATUS_BYTES 16384

// SIGURG: out-of-band data on a socket, which nobody uses but Go's runtime. SIGWINCH: a terminal's
// size, of interest to programs with a terminal, and gunicorn.
static const int signals[] = {SIGURG, SIGWINCH};

static uint64_t bit_of(int signal)
{
	return 1ull << (signal - 1);
}

int quiet_signal_of(uint64_t caught)
{
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		if (!(caught & bit_of(signals[i])))
			return signals[i];
	}
	return 0;
}

static struct error *read_caught(pid_t pid, uint64_t *ret)
{
	_cleanup_(mem_free) char *status = NULL;
	size_t size;
	struct error *error = proc_read(&status, &size, STATUS_BYTES, "/proc/%d/status", pid);

	if (!error && !proc_field(status, "SigCgt", 16, ret))
		return error_create(
			ERROR_SYSTEM, "cannot read which signals process %d handles", pid);
	return error;
}

struct error *quiet_signal_choose(pid_t pid, int *ret)
{
	uint64_t caught;
	struct error *error = read_caught(pid, &caught);

	if (error)
		return error;
	*ret = quiet_signal_of(caught);
	if (*ret)
		return NULL;
	return error_create(ERROR_UNSUPPORTED,
		"the process handles SIGURG and SIGWINCH, and there is no other signal that is "
		"harmless");
}

struct error *quiet_signal_check(pid_t pid, int signal)
{
	uint64_t caught;
	struct error *error = read_caught(pid, &caught);

	if (error || !(caught & bit_of(signal)))
		return error;
	return error_create(ERROR_UNSUPPORTED,
		"the process handles signal %d since a moment ago, which was to tell of stores",
		signal);
}

bool quiet_signal_is_blocked(pid_t thread, int signal)
{
	_cleanup_(mem_free) char *status = NULL;
	uint64_t blocked = 0;
	size_t size;

	error_destroy(proc_read(&status, &size, STATUS_BYTES, "/proc/%d/status", thread));
	return status && proc_field(status, "SigBlk", 16, &blocked) && blocked & bit_of(signal);
}

static bool read_mask(pid_t thread, uint64_t *ret)
{
	return ptrace(PTRACE_GETSIGMASK, thread, (void *)sizeof(*ret), ret) == 0;
}

static bool write_mask(pid_t thread, uint64_t mask)
{
	return ptrace(PTRACE_SETSIGMASK, thread, (void *)sizeof(mask), &mask) == 0;
}

void quiet_signal_unblock(pid_t thread, int signal, struct signal_unblocked *ret)
{
	uint64_t mask;

	*ret = (struct signal_unblocked){0};
	if (read_mask(thread, &mask) && mask & bit_of(signal) &&
		write_mask(thread, mask & ~bit_of(signal)))
		*ret = (struct signal_unblocked){.is_unblocked = true, .mask_before = mask};
}

// A mask that is another one in other signals too is one that the thread has set since: libraries block
// all signals for a moment, and we may have come in such a one. It knows what it wants.
void quiet_signal_block_again(pid_t thread, int signal, const struct signal_unblocked *unblocked)
{
	uint64_t mask;

	if (unblocked->is_unblocked && read_mask(thread, &mask) &&
		mask == (unblocked->mask_before & ~bit_of(signal)))
		write_mask(thread, unblocked->mask_before);
}
