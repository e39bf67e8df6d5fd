// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * A consistent picture of a running process, taken in one short stop.
 *
 * CAPTURE_CLONE: stop all threads, make one of them execute clone() through an instruction already
 * in its memory, put its registers back, let everything run, and read the copy-on-write child,
 * which never executes an instruction of its own. The procedure heals itself: if we are killed at
 * any instant, the target continues as if nothing had happened and the child dies.
 *
 * CAPTURE_FREEZE: stop all threads, copy what is resident and writable, let them run.
 *
 * CAPTURE_LIVE: no stop; what is read may be torn. Only when asked for.
 *
 * CAPTURE_AUTO: clone, or freeze where cloning is refused (the report says why).
 *
 * What ptrace binds to one thread is done by a thread of this layer: a target may be made, read and
 * destroyed on any thread. SIGINT, SIGTERM, SIGHUP and the terminal's stop signals are held back in
 * the calling thread while the process stands still; a program with several threads should block
 * them in the others.
 *
 * What a captured process can notice: its threads were away for the time of the stop. System calls
 * go on as if nothing had been, with one exception: of calls that the kernel itself does not
 * continue after a stop (epoll_wait, a receive with SO_RCVTIMEO, sigtimedwait, semtimedop;
 * signal(7)) the time-out begins anew, and if we are killed in the fraction of a millisecond
 * between stopping them and mending that, they return EINTR, as after SIGSTOP and SIGCONT.
 */
#pragma once

#include "target/process.h"
#include "target/target.h"

#include <stdbool.h>
#include <stdint.h>

enum capture_mode {
	CAPTURE_AUTO,
	CAPTURE_CLONE,
	CAPTURE_FREEZE,
	CAPTURE_LIVE,
};

/** "auto", "clone", "freeze", "live". */
const char *capture_mode_name(enum capture_mode mode);
/** False if @p name is no mode. */
bool capture_mode_parse(const char *name, enum capture_mode *ret);

struct capture_options {
	enum capture_mode mode;
	/** Refuse (ERROR_UNSAFE) if the predicted stop is longer; 0: no limit. */
	uint32_t pause_ms_max;
	/** Go on although the memory head-room is short. */
	bool force;
};

/** What a capture will cost, predicted from smaps before anything is touched. */
struct capture_forecast {
	double stop_ms;
	/** Memory that may be needed besides, at worst: page tables and pages copied on write while
	 * the clone lives, or the frozen copy. */
	uint64_t extra_bytes;
	/** What the tightest of cgroup limits (all levels, v1 and v2) and free memory leaves;
	 *  UINT64_MAX if there is no limit. */
	uint64_t headroom_bytes;
};

struct error *capture_predict(
	const struct process *process, enum capture_mode mode, struct capture_forecast *ret);

/** Is the head-room enough for it? If not, capture_take() refuses unless forced. */
bool capture_is_affordable(const struct capture_forecast *forecast, enum capture_mode mode);

struct capture_report {
	enum capture_mode mode; /* what was really done */
	struct capture_forecast forecast;
	/** From the first thread's stop to the last one's release; 0 for live. */
	double stopped_ms;
	/** Why AUTO fell back to freeze; "" otherwise. */
	char fallback_reason[160];
};

/**
 * Take the picture. Fails with ERROR_UNSAFE when the forecast breaks @p options, ERROR_GONE when
 * the process ends or executes another program midway, ERROR_DENIED when it may not be traced. On
 * every path, also on SIGINT, SIGTERM and SIGHUP to us, the process runs on. The target borrows @p
 * process until it is destroyed.
 */
struct error *capture_take(struct process *process, const struct capture_options *options,
	struct target **ret, struct capture_report *ret_report);
