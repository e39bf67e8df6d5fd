// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Watchpoints: seeing each store to a few words of a running process, right behind the store.
 *
 * The processor watches (four words per thread on x86-64 and aarch64), armed by perf_event_open(2)
 * for each thread: PERF_TYPE_BREAKPOINT, each overflow of which sends a signal to the thread that
 * stored (F_SETOWN_EX, F_SETSIG). The signal is one that the process ignores by default, SIGURG or
 * SIGWINCH. A traced thread stops for it all the same (kernel/signal.c, sig_ignored()), before its
 * next instruction; a thread that is not traced never notices. That makes the procedure harmless at
 * every instant: nothing in the process is stopped or changed to arm it, and if we are killed, the
 * descriptors close, the breakpoints are gone with them, and a signal on its way is ignored.
 *
 * Of 40 tracers killed at work, this killed no target; debug registers set by ptrace killed 40
 * (nobody is there to take the SIGTRAP), and perf events with `sigtrap` 10 (killed while a thread
 * sits in its stop, the kernel delivers the signal). Ignoring SIGTRAP in the target for the
 * duration would help that, at the price of a change in the target which our death leaves behind.
 *
 * What the process can notice: a thread is away for some 100 µs per hit, of which 25 to 45 are our work, at most
 * @ref rate_max times per second. The rest is the machine's: the exception, the signal, and waking each other up:
 * a tracer that does nothing is felt for 68 µs on the virtual machine where this was felt for 102
 * (tests/bench/bench_watch.py, measure_hit()). And some processors are slower while their debug registers
 * are armed (an AMD EPYC by 10 %, in a loop that allocates). In threads that block the signal it is unblocked meanwhile (one stop each, as for a
 * snapshot); that is all that our death can leave behind, and it does nothing. Threads get their mask
 * back at the end, unless they have set it themselves since. Children and programs that it starts are
 * neither traced nor watched. Its own signals are passed on, and are not lost if we die. Those that it
 * ignores wake a thread only because that is traced; system calls that say EINTR then (signal(7)) are
 * entered again, unless another thread takes the signal first.
 *
 * A process that is stopped stays stopped. As long as we are stopped, threads that store, are born or take a
 * signal wait for us: a terminal's stop signals are ignored meanwhile; SIGSTOP cannot be.
 *
 * Linux 4.1 or later, and the right to trace the process. Refused (ERROR_UNSUPPORTED, with the
 * reason) where perf events are: kernel.perf_event_paranoid of 3 or more, seccomp in containers,
 * processes that handle both signals, debug registers that are all in use, a process that is traced by
 * somebody else.
 */
#pragma once

#include "target/process.h"

#include <stdbool.h>
#include <stdint.h>

#define WATCHPOINTS_MAX   4
/** So many hits may follow one another at once before @ref rate_max counts. */
#define WATCHPOINTS_BURST 32

/** A word that is watched: 8 bytes, aligned to 8. */
struct watchpoint {
	remote_addr addr;
};

/** A thread has stored, and stands behind the store until the visitor returns. */
struct watchpoint_hit {
	pid_t thread;
	/** As struct target_thread has them; the name is not set. */
	struct target_thread registers;
	unsigned number; /* of the watchpoint */
};

enum watchpoint_verdict {
	WATCHPOINT_KEEP,
	WATCHPOINT_DROP, /* this one has been seen enough */
	WATCHPOINT_END,  /* all of them */
};

/** Called on a thread of this layer, one call at a time. */
struct watchpoint_visitor {
	void *context;
	/** All threads are watched from now on. May be NULL. */
	void (*armed)(void *context);
	/** The thread that stored stands still meanwhile: be quick. */
	enum watchpoint_verdict (*hit)(void *context, const struct watchpoint_hit *hit);
	/** After each hit that is kept, when the thread runs again: for what takes longer. May be NULL. */
	enum watchpoint_verdict (*after)(void *context);
	/** Some 50 times a second; false ends it. */
	bool (*tick)(void *context);
};

struct watchpoints_options {
	/** Hits per second, on average; what is stored in the time between is not seen. */
	unsigned rate_max;
};

/** What became of it. */
struct watchpoints_report {
	/** Stores by the processor's count, and those that were seen: all, unless the rate was
	 * limited or a thread blocked the signal itself. */
	uint64_t stores[WATCHPOINTS_MAX], hits[WATCHPOINTS_MAX];
	/** Times and duration that watching paused because of rate_max. */
	uint64_t pauses;
	double paused_s;
	/** From knowing of a stop to letting go: all, and the longest. */
	double handled_s, handled_s_max;
};

/**
 * Watch until the visitor ends it, all are dropped, or the process ends (ERROR_GONE; also if it
 * executes another program). ERROR_UNSUPPORTED, with the reason, where it is refused: most often before
 * anything was done, but also when the process begins to handle the signal, when the kernel counts stores but
 * sends no signal (fs/fcntl.c, sigio_perm()), or when threads become too many. Must not be
 * called while a capture of the same process is being taken. SIGINT and its like are not held back:
 * they are the caller's way to make tick() return false.
 */
struct error *watchpoints_run(struct process *process, const struct watchpoint *points,
	unsigned count, const struct watchpoints_options *options,
	const struct watchpoint_visitor *visitor, struct watchpoints_report *ret);
