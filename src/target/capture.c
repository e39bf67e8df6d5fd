// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/capture.h"

#include "base/alloc.h"
#include "base/error.h"
#include "target/clone_target.h"
#include "target/frozen_copy.h"
#include "target/headroom.h"
#include "target/huge_pool.h"
#include "target/process_internal.h"
#include "target/procfs.h"
#include "target/signals_held.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ROLLUP_BYTES 16384

// How often a capture begins again because the thread it looked through has ended.
#define TRIES_MAX 5

// What a stop costs, measured on Linux 6.18 with 1 GB of Python objects: cloning, which copies page
// tables, took 8–13 ms there (22 ms on a slower machine), copying the memory 100–160 ms, each
// thread 0.02–0.04 ms. Rather too much than too little: --max-pause is compared with it.
#define STOP_MS_BASE       0.6
#define STOP_MS_PER_THREAD 0.04
#define CLONE_MS_PER_GB    15.0
#define FREEZE_MS_PER_GB   180.0
#define BYTES_PER_GB       1e9

// One page table entry of 8 bytes maps 4096.
#define PAGE_TABLE_SHARE 512

// A clone lives for seconds, so only a part of what could be copied on write is, and if memory gets
// short it is the clone that the kernel kills. A quarter of the worst case has to be free.
#define CLONE_SHARE_NEEDED 4

static const char *const mode_names[] = {
	[CAPTURE_AUTO] = "auto",
	[CAPTURE_CLONE] = "clone",
	[CAPTURE_FREEZE] = "freeze",
	[CAPTURE_LIVE] = "live",
};

const char *capture_mode_name(enum capture_mode mode)
{
	return mode_names[mode];
}

bool capture_mode_parse(const char *name, enum capture_mode *ret)
{
	for (size_t i = 0; i < sizeof(mode_names) / sizeof(mode_names[0]); i++) {
		if (strcmp(name, mode_names[i]) == 0) {
			*ret = (enum capture_mode)i;
			return true;
		}
	}
	return false;
}

// Bytes of private memory, those in huge pages apart: their page tables are nearly nothing. What is of the
// kernel's pool of huge pages (huge_pool.h) is not counted as anonymous.
struct private_memory {
	uint64_t anonymous, huge, pool;
};

static struct error *read_private(pid_t thread, struct private_memory *ret)
{
	_cleanup_(mem_free) char *text = NULL;
	struct error *error;
	size_t size;

	*ret = (struct private_memory){0};
	error = proc_read(&text, &size, ROLLUP_BYTES, "/proc/%d/smaps_rollup", thread);
	if (!error && proc_field(text, "Anonymous", 10, &ret->anonymous)) {
		proc_field(text, "AnonHugePages", 10, &ret->huge);
	} else {
		// Before Linux 4.14.
		error_destroy(error);
		mem_free(take(text));
		error = proc_read(&text, &size, ROLLUP_BYTES, "/proc/%d/status", thread);
		if (error)
			return error;
		proc_field(text, "RssAnon", 10, &ret->anonymous);
	}
	ret->anonymous *= 1024;
	ret->huge *= 1024;
	ret->pool = proc_status_number(thread, "HugetlbPages", 10) * 1024;
	if (ret->huge > ret->anonymous)
		ret->huge = ret->anonymous;
	return NULL;
}

struct error *capture_predict(
	const struct process *process, enum capture_mode mode, struct capture_forecast *ret)
{
	double threads = (double)process_thread_count(process);
	struct private_memory memory;
	struct error *error;

	*ret = (struct capture_forecast){.headroom_bytes = UINT64_MAX};
	if (mode == CAPTURE_LIVE)
		return NULL;
	error = read_private(process_memory_thread(process), &memory);
	if (error)
		return error_wrap(error, "cannot tell what a capture would cost");
	ret->stop_ms = STOP_MS_BASE + threads * STOP_MS_PER_THREAD;
	if (mode == CAPTURE_FREEZE) {
		// The copy is ours, and so is the limit.
		ret->extra_bytes = memory.anonymous + memory.pool;
		ret->stop_ms += (double)ret->extra_bytes / BYTES_PER_GB * FREEZE_MS_PER_GB;
		ret->headroom_bytes = headroom_bytes(getpid());
		return NULL;
	}
	ret->stop_ms += (double)(memory.anonymous - memory.huge) / BYTES_PER_GB * CLONE_MS_PER_GB;
	ret->extra_bytes = memory.anonymous + memory.anonymous / PAGE_TABLE_SHARE;
	ret->headroom_bytes = headroom_bytes(process_pid(process));
	return NULL;
}

bool capture_is_affordable(const struct capture_forecast *forecast, enum capture_mode mode)
{
	uint64_t needed = forecast->extra_bytes;

	if (mode == CAPTURE_CLONE)
		needed /= CLONE_SHARE_NEEDED;
	return needed <= forecast->headroom_bytes;
}

static struct error *check_forecast(const struct capture_forecast *forecast, enum capture_mode mode,
	const struct capture_options *options)
{
	if (options->pause_ms_max && forecast->stop_ms > options->pause_ms_max)
		return error_create(ERROR_UNSAFE,
			"a %s would stop the process for about %.0f ms, more than the %u allowed: "
			"allow more with --max-pause",
			capture_mode_name(mode), forecast->stop_ms, options->pause_ms_max);
	if (!options->force && !capture_is_affordable(forecast, mode))
		return error_create(ERROR_UNSAFE,
			"a %s may need %" PRIu64 " MB of memory for a moment and only %" PRIu64
			" MB are free before a limit: insist with --force",
			capture_mode_name(mode), forecast->extra_bytes >> 20,
			forecast->headroom_bytes >> 20);
	return NULL;
}

// One mode, forecast included.
static struct error *take_in_mode(struct process *process, enum capture_mode mode,
	const struct capture_options *options, struct target **ret, struct capture_report *report)
{
	struct error *error = capture_predict(process, mode, &report->forecast);

	if (!error)
		error = check_forecast(&report->forecast, mode, options);
	if (error)
		return error;
	report->mode = mode;
	switch (mode) {
	case CAPTURE_CLONE:
		error = huge_pool_check_process(process);
		return error ? error : clone_target_create(process, ret, &report->stopped_ms);
	case CAPTURE_FREEZE:
		return frozen_copy_create(process, ret, &report->stopped_ms);
	default:
		return process_target_live(process, ret);
	}
}

static struct error *take_any(struct process *process, const struct capture_options *options,
	struct target **ret, struct capture_report *report)
{
	struct error *error;

	if (options->mode != CAPTURE_AUTO)
		return take_in_mode(process, options->mode, options, ret, report);
	error = take_in_mode(process, CAPTURE_CLONE, options, ret, report);
	if (!error || error_kind(error) != ERROR_UNSUPPORTED)
		return error;
	snprintf(report->fallback_reason, sizeof(report->fallback_reason), "%s",
		error_message(error));
	error_destroy(error);
	return take_in_mode(process, CAPTURE_FREEZE, options, ret, report);
}

// The main thread, through which we look, may end while the others live on, or a little before them.
static struct error *take_stubbornly(struct process *process, const struct capture_options *options,
	struct target **ret, struct capture_report *ret_report)
{
	for (int try = 1;; try++) {
		pid_t thread = process_memory_thread(process);
		struct capture_report report = {0};
		struct error *error = process_check_same(process);

		if (!error)
			error = take_any(process, options, ret, &report);
		if (!error) {
			*ret_report = report;
			return NULL;
		}
		error = process_explain(process, error);
		if (try == TRIES_MAX || process_memory_thread(process) == thread)
			return error;
		error_destroy(error);
	}
}

struct error *capture_take(struct process *process, const struct capture_options *options,
	struct target **ret, struct capture_report *ret_report)
{
	struct signals_held held;
	struct error *error;

	signals_hold(&held);
	error = take_stubbornly(process, options, ret, ret_report);
	signals_let_go(&held);
	return error;
}
