// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// What a machine takes to stop a thread at its store to a word and to let it go on, with nothing done in between:
// what no watch can be faster than, for the benchmark.
//
//	stop-tool PID ADDRESS
//
// Watches the word in the process's first thread, prints "ready", and lets that go on from each stop at once,
// without the signal. Ends with the process, or by a signal: the kernel lets go of it then.
#include "base/error.h"
#include "target/breakpoint.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

static int complain(const char *what)
{
	fprintf(stderr, "stop-tool: %s\n", what);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	pid_t pid = argc == 3 ? (pid_t)strtol(argv[1], NULL, 10) : 0;
	remote_addr addr = argc == 3 ? strtoull(argv[2], NULL, 0) : 0;
	struct error *error;
	int status, fd;

	if (pid <= 0 || !addr)
		return complain("usage: stop-tool PID ADDRESS");
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0)
		return complain("cannot trace it");
	error = breakpoint_open(pid, addr, SIGURG, true, &fd);
	if (error)
		return complain(error_message(error));
	puts("ready");
	fflush(stdout);
	while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status))
		ptrace(PTRACE_CONT, pid, NULL, NULL);
	return EXIT_SUCCESS;
}
