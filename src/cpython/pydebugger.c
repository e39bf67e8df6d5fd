// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/pydebugger.h"

#include "base/clock.h"
#include "base/error.h"
#include "cpython/pyruntime.h"
#include "target/process_file.h"

#include <stdio.h>
#include <unistd.h>

#define CACHE_SLOTS 4

// _PY_EVAL_PLEASE_STOP_BIT (Include/internal/pycore_ceval.h).
#define PLEASE_STOP ((uint64_t)1 << 5)

#define LOOK_US 500

#define SCRIPT                                                                                     \
	"import gc, os\n"                                                                          \
	"from itertools import starmap\n"                                                          \
	"from operator import call\n"                                                              \
	"_, _ = starmap(call, ((gc.collect,), (os.unlink, '%s')))\n"

struct request {
	struct process *process;
	const struct python *python;
	remote_addr state;
	struct process_file file;
	bool is_pending; /* it was written, or (withdrawn) had not begun */
};

static remote_addr flag_of(const struct request *request)
{
	const struct pylayout *layout = request->python->layout;

	return request->state + layout->tstate.remote_debugger +
	       layout->remote_debugger.pending_call;
}

static bool is_whole(const struct pylayout *layout)
{
	return pylayout_has(layout->tstate.remote_debugger) &&
	       pylayout_has(layout->tstate.eval_breaker) &&
	       pylayout_has(layout->interp.remote_debug) &&
	       pylayout_has(layout->remote_debugger.pending_call) &&
	       layout->tstate.remote_debugger + layout->remote_debugger.size <=
		       layout->tstate.size &&
	       layout->remote_debugger.script_path < layout->remote_debugger.size &&
	       layout->remote_debugger.pending_call + sizeof(uint32_t) <=
		       layout->remote_debugger.size &&
	       layout->tstate.eval_breaker + sizeof(uint64_t) <= layout->tstate.size;
}

bool pydebugger_is_available(struct pycontext *context)
{
	const struct python *python = context->python;
	uint32_t is_allowed = 0;

	return is_whole(python->layout) &&
	       pyreader_u32(&context->reader,
		       python->interpreters.items[0] + python->layout->interp.remote_debug,
		       &is_allowed) &&
	       is_allowed == 1;
}

// Is the state still that of a thread?
static bool is_thread(const struct request *request)
{
	_cleanup_(addr_vector_deinit) struct addr_vector states = {0};
	_cleanup_(pycontext_deinit) struct pycontext context = {0};
	struct error *error = pycontext_init(&context, request->python, CACHE_SLOTS);
	bool found = false;

	if (!error)
		error = pyruntime_threads(
			&context, request->python->interpreters.items[0], &states);
	error_destroy(error);
	for (size_t i = 0; i < states.count && !found; i++)
		found = states.items[i] == request->state;
	return found;
}

static bool read_flag(const struct request *request, uint32_t *ret)
{
	return target_read_some(request->python->target, flag_of(request), ret, sizeof(*ret)) ==
	       sizeof(*ret);
}

static struct error *make_script(struct request *request)
{
	char script[512];
	struct error *error = process_file_create(request->process, "gc", &request->file);

	if (error)
		return error;
	snprintf(script, sizeof(script), SCRIPT, request->file.path);
	return process_file_write(&request->file, script);
}

// All threads are stopped. First the path, then the flag: killed in between, we leave nothing that counts.
// The file is made here and not before, since nobody would remove it.
static struct error *write_request(void *context)
{
	struct request *request = context;
	const struct pylayout *layout = request->python->layout;
	remote_addr path = request->state + layout->tstate.remote_debugger +
			   layout->remote_debugger.script_path;
	remote_addr breaker = request->state + layout->tstate.eval_breaker;
	const uint32_t on = 1;
	uint32_t flag;
	uint64_t bits;
	struct error *error;

	if (!is_thread(request) || !read_flag(request, &flag) || flag != 0)
		return NULL;
	error = target_read(request->python->target, breaker, &bits, sizeof(bits));
	if (!error)
		error = make_script(request);
	bits |= PLEASE_STOP;
	if (!error)
		error = process_write(
			request->process, path, request->file.path, strlen(request->file.path) + 1);
	if (!error)
		error = process_write(request->process, flag_of(request), &on, sizeof(on));
	if (!error)
		error = process_write(request->process, breaker, &bits, sizeof(bits));
	request->is_pending = !error;
	return error;
}

static struct error *withdraw_request(void *context)
{
	struct request *request = context;
	const uint32_t off = 0;
	uint32_t flag = 0;

	request->is_pending = is_thread(request) && read_flag(request, &flag) && flag == 1;
	if (!request->is_pending)
		return NULL;
	return process_write(request->process, flag_of(request), &off, sizeof(off));
}

// Until the file is gone, or it is late; *ret_begun_s is when the flag was.
static void wait_for_end(
	const struct request *request, double until_s, bool (*is_enough)(void), double *ret_begun_s)
{
	while (process_file_exists(&request->file) && monotonic_seconds() < until_s &&
		!(is_enough && is_enough())) {
		uint32_t flag;

		if (*ret_begun_s == 0 && read_flag(request, &flag) && flag == 0)
			*ret_begun_s = monotonic_seconds();
		usleep(LOOK_US);
	}
}

static struct error *follow(struct request *request, const struct remote_patience *patience,
	struct remote_call_report *ret)
{
	double since_s = monotonic_seconds(), begun_s = 0;
	struct error *error;

	wait_for_end(request, since_s + patience->begin_s, patience->is_enough, &begun_s);
	if (begun_s == 0 && process_file_exists(&request->file)) {
		error = remote_stopped(
			request->process, withdraw_request, request, &ret->stopped_ms);
		if (error || request->is_pending)
			return error;
		begun_s = monotonic_seconds();
	}
	wait_for_end(request, since_s + patience->end_s, patience->is_enough, &begun_s);
	ret->is_left = process_file_exists(&request->file);
	ret->is_done = !ret->is_left;
	ret->call_ms = (monotonic_seconds() - (begun_s > 0 ? begun_s : since_s)) * 1e3;
	ret->away_ms = ret->call_ms;
	return process_check_same(request->process);
}

static struct error *run_request(struct request *request, const struct remote_patience *patience,
	struct remote_call_report *ret)
{
	struct error *error =
		remote_stopped(request->process, write_request, request, &ret->stopped_ms);

	ret->tries++;
	return error || !request->is_pending ? error : follow(request, patience, ret);
}

struct error *pydebugger_collect(struct process *process, const struct python *python,
	remote_addr state, const struct remote_patience *patience, struct remote_call_report *ret)
{
	struct request request = {
		.process = process, .python = python, .state = state, .file = {.folder = -1}};
	struct error *error;

	ret->reason = "by its own means (PEP 768), in a thread that computed";
	error = run_request(&request, patience, ret);
	// A script that was begun removes its file.
	if (ret->is_left)
		process_file_forget(&request.file);
	else
		process_file_remove(&request.file);
	return process_explain(process, error);
}
