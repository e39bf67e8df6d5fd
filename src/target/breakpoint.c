// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/breakpoint.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// Our timer interrupts it while another thread of the process executes a program.
static int open_patiently(struct perf_event_attr *attributes, pid_t thread)
{
	int fd;

	do
		fd = (int)syscall(
			SYS_perf_event_open, attributes, thread, -1, -1, PERF_FLAG_FD_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	return fd;
}

int breakpoint_try(pid_t thread, remote_addr addr)
{
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attributes),
		.bp_type = HW_BREAKPOINT_W,
		.bp_addr = addr,
		.bp_len = HW_BREAKPOINT_LEN_8,
		.sample_period = 1,
		.wakeup_events = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
		.disabled = 1,
		.remove_on_exec = 1,
	};
	int fd = open_patiently(&attributes, thread);

	if (fd < 0 && (errno == EINVAL || errno == E2BIG)) {
		// Before Linux 5.13. The descriptors close a moment later then, when we hear of it.
		attributes.remove_on_exec = 0;
		fd = open_patiently(&attributes, thread);
	}
	return fd;
}

static struct error *refused(int number)
{
	switch (number) {
	case EACCES:
	case EPERM:
		return error_create(ERROR_UNSUPPORTED,
			"perf events are not allowed here (kernel.perf_event_paranoid, or a "
			"container's seccomp filter)");
	case ENOSPC:
	case EBUSY:
		return error_create(ERROR_UNSUPPORTED,
			"the processor's debug registers are in use, or there are none");
	case EMFILE:
	case ENFILE:
		return error_create(ERROR_UNSUPPORTED,
			"it takes more file descriptors than we may open to watch so many threads");
	case ENOENT:
	case ENOSYS:
	case EOPNOTSUPP:
	case ENODEV:
		return error_create(
			ERROR_UNSUPPORTED, "this kernel or machine has no hardware breakpoints");
	default:
		return error_system(number, "cannot set a hardware breakpoint");
	}
}

// Whom to tell of each store, and how; only then the breakpoint is on.
static bool direct(int fd, pid_t thread, int signal, bool is_on)
{
	struct f_owner_ex owner = {.type = F_OWNER_TID, .pid = thread};

	return fcntl(fd, F_SETOWN_EX, &owner) == 0 && fcntl(fd, F_SETSIG, signal) == 0 &&
	       fcntl(fd, F_SETFL, O_ASYNC | O_NONBLOCK) == 0 &&
	       (!is_on || ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) == 0);
}

struct error *breakpoint_open(pid_t thread, remote_addr addr, int signal, bool is_on, int *ret)
{
	int fd = breakpoint_try(thread, addr), number = errno;

	*ret = -1;
	if (fd < 0)
		return number == ESRCH ? NULL : refused(number);
	if (!direct(fd, thread, signal, is_on)) {
		number = errno;
		close(fd);
		return number == ESRCH
			       ? NULL
			       : error_system(number, "cannot direct a hardware breakpoint");
	}
	*ret = fd;
	return NULL;
}

void breakpoint_switch(int fd, bool is_on)
{
	ioctl(fd, is_on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0);
}

uint64_t breakpoint_count(int fd)
{
	uint64_t count = 0;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}
