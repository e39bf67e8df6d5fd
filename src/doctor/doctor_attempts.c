// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "doctor/doctor_attempts.h"

#include "base/error.h"
#include "target/breakpoint.h"
#include "target/resident_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// More debug registers than any processor has.
#define BREAKPOINTS_MAX 8
// An attempt that takes longer sits in the kernel: it is given up.
#define SECONDS_MAX     5
#define NAP_NS          200000L

// What an attempt may tell besides its errno: in memory that is shared with its process.
struct findings {
	bool has_pagemap_scan;
	struct doctor_breakpoints breakpoints;
};

struct request {
	pid_t process; /* whom to try it on; 0: a child of the attempt */
	struct findings *findings;
};

// Die with the parent, also if it died just now.
static void die_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
}

static pid_t wait_with_patience(pid_t child, int *ret_status)
{
	const struct timespec nap = {.tv_nsec = NAP_NS};
	time_t until = time(NULL) + SECONDS_MAX;
	pid_t id;

	while ((id = waitpid(child, ret_status, WNOHANG)) == 0 && time(NULL) <= until)
		nanosleep(&nap, NULL);
	if (id == 0)
		kill(child, SIGKILL);
	return id;
}

// Run work(request) in a child; it returns an errno or 0.
static struct doctor_attempt attempt(
	int (*work)(const struct request *request), const struct request *request)
{
	struct doctor_attempt ret = {0};
	pid_t parent = getpid(), child = fork();
	int status;

	if (child < 0)
		return ret;
	if (child == 0) {
		die_with(parent);
		_exit(work(request));
	}
	ret.was_made = wait_with_patience(child, &status) == child;
	if (ret.was_made && WIFEXITED(status))
		ret.error = WEXITSTATUS(status);
	else if (ret.was_made)
		ret.signal = WTERMSIG(status);
	return ret;
}

// A process that does nothing, to be tried on; 0 if it cannot be had.
static pid_t start_patient(void)
{
	pid_t parent = getpid(), child = fork();

	if (child == 0) {
		die_with(parent);
		for (;;)
			pause();
	}
	return child > 0 ? child : 0;
}

static int on_patient(
	int (*work)(pid_t patient, const struct request *request), const struct request *request)
{
	pid_t patient = start_patient();
	int number;

	if (!patient)
		return errno;
	number = work(patient, request);
	kill(patient, SIGKILL);
	waitpid(patient, NULL, __WALL);
	return number;
}

static int seize(pid_t patient, const struct request *request)
{
	(void)request;
	return ptrace(PTRACE_SEIZE, patient, NULL, NULL) == 0 ? 0 : errno;
}

static int try_ptrace(const struct request *request)
{
	return on_patient(seize, request);
}

// The same memory is in the child, at the same address.
static const uint64_t mark = 0x5348494b415249;

static int read_process(pid_t patient, const struct request *request)
{
	uint64_t word = 0;
	struct iovec local = {&word, sizeof(word)}, remote = {(void *)&mark, sizeof(mark)};

	(void)request;
	if (process_vm_readv(patient, &local, 1, &remote, 1, 0) < 0)
		return errno;
	return word == mark ? 0 : EIO;
}

static int try_read_process(const struct request *request)
{
	return on_patient(read_process, request);
}

static int read_memory(pid_t patient, const struct request *request)
{
	_cleanup_(close) int fd = -1;
	uint64_t word = 0;
	char path[64];

	(void)request;
	snprintf(path, sizeof(path), "/proc/%d/mem", patient);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pread(fd, &word, sizeof(word), (off_t)(uintptr_t)&mark) < 0)
		return errno;
	return word == mark ? 0 : EIO;
}

static int try_read_memory(const struct request *request)
{
	return on_patient(read_memory, request);
}

static int read_pagemap(pid_t patient, const struct request *request)
{
	_cleanup_(close) int fd = -1;
	uint64_t entry;
	struct error *error = resident_pages_open(patient, &fd);
	int number = error ? error_number(error) : 0;

	error_destroy(error);
	if (number)
		return number;
	if (pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)&mark / 4096 * 8)) < 0)
		return errno;
	request->findings->has_pagemap_scan = resident_pages_can_scan(fd);
	return 0;
}

static int try_read_pagemap(const struct request *request)
{
	return on_patient(read_pagemap, request);
}

static bool is_fired(int fd, volatile uint64_t *word)
{
	breakpoint_switch(fd, true);
	*word = *word + 1;
	breakpoint_switch(fd, false);
	return breakpoint_count(fd) > 0;
}

static int try_breakpoints(const struct request *request)
{
	static volatile uint64_t words[BREAKPOINTS_MAX];
	struct doctor_breakpoints *found = &request->findings->breakpoints;
	int fd = breakpoint_try(0, (uintptr_t)&words[0]);

	if (fd < 0)
		return errno;
	found->fires = is_fired(fd, &words[0]);
	found->free = 1;
	while (found->free < BREAKPOINTS_MAX &&
		breakpoint_try(0, (uintptr_t)&words[found->free]) >= 0)
		found->free++;
	return 0;
}

static struct findings *share_findings(void)
{
	void *block = mmap(NULL, sizeof(struct findings), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return block == MAP_FAILED ? NULL : block;
}

void doctor_attempts_on_machine(struct doctor_machine *ret)
{
	struct request request = {.findings = share_findings()};

	if (!request.findings)
		return;
	ret->ptrace = attempt(try_ptrace, &request);
	ret->read_process = attempt(try_read_process, &request);
	ret->read_memory = attempt(try_read_memory, &request);
	ret->read_pagemap = attempt(try_read_pagemap, &request);
	ret->has_pagemap_scan = request.findings->has_pagemap_scan;
	ret->breakpoints.open = attempt(try_breakpoints, &request);
	ret->breakpoints.fires = request.findings->breakpoints.fires;
	ret->breakpoints.free = request.findings->breakpoints.free;
	munmap(request.findings, sizeof(*request.findings));
}

// The end of the child is what lets go: detaching would need a stop.
static int try_attach(const struct request *request)
{
	return ptrace(PTRACE_SEIZE, request->process, NULL, NULL) == 0 ? 0 : errno;
}

// Never switched on, at an address where nothing is.
static int try_watch(const struct request *request)
{
	int fd = breakpoint_try(request->process, 4096);

	return fd >= 0 ? 0 : errno;
}

void doctor_attempts_on_process(const struct doctor_machine *machine, struct doctor_process *ret)
{
	struct request request = {.process = ret->thread, .findings = share_findings()};

	if (!ret->exists)
		ret->is_hidden = kill(ret->pid, 0) == 0 || errno == EPERM;
	ret->is_self = ret->pid == getpid() || ret->leader == getpid();
	if (!request.findings)
		return;
	request.findings->breakpoints = machine->breakpoints;
	// Attaching to a process that is traced would only fail.
	if (ret->thread && !ret->is_self && !ret->tracer && !machine->ptrace.signal)
		ret->attach = attempt(try_attach, &request);
	if (doctor_attempt_worked(&ret->attach) &&
		doctor_attempt_worked(&machine->breakpoints.open))
		ret->watch = attempt(try_watch, &request);
	munmap(request.findings, sizeof(*request.findings));
}
