// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/pycalls.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/path.h"
#include "cpython/pydebugger.h"
#include "cpython/pyframe.h"
#include "cpython/pyruntime.h"
#include "cpython/python_open.h"
#include "target/libraries.h"
#include "target/thread_place.h"

#include <string.h>
#include <unistd.h>

#define CACHE_SLOTS 16

// Tries to make sense of a process that runs meanwhile, as in heap/heap_open.c.
#define OPEN_TRIES    10
#define OPEN_PAUSE_US 20000

// Frames of C code between a thread's state and its first frame of Python code.
#define C_FRAMES_MAX 4

// How a thread that computes is told: somebody has the GIL at one of a few looks.
#define COMPUTING_LOOKS    10
#define COMPUTING_PAUSE_US 500

// For each of two ways, in turns.
#define SLICE_SECONDS 1.0

// The smallest stack that CPython itself gives a thread (threading.stack_size()) is 32 KiB.
#define STACK_ROOM_BYTES (128 << 10)

// From 3.12 on interpreters may have GILs of their own.
#define HOLDERS_MAX 64

#define STANDARD_MODULES "/lib-dynload/"

struct pycalls {
	struct process *process;
	struct target *live;
	struct pyruntime_place place;
	struct python *python;
	/* Addresses of functions; 0: the interpreter has none such. */
	remote_addr restore_thread, save_thread, add_pending_call;
	remote_addr collect, collect_anyway, enable, disable;
	remote_addr yield, trim;
	uint64_t add_pending_call_size;
};

static const char nowhere[] =
	"no thread came to a safe point: each was in C code that does not give up the GIL, or "
	"waited "
	"in code that is neither the interpreter's nor its standard library's";

// A dict that the layout is checked by may be growing at this moment.
static struct error *open_python(struct pycalls *calls)
{
	for (unsigned i = 0;; i++) {
		struct error *error = python_open(calls->live, &calls->place, &calls->python);

		if (!error || error_kind(error) != ERROR_BAD_DATA || i == OPEN_TRIES)
			return error;
		error_destroy(error);
		usleep(OPEN_PAUSE_US);
	}
}

static remote_addr find(const struct pycalls *calls, const char *name)
{
	remote_addr addr;
	uint64_t size;

	return elf_file_find(calls->place.elf, name, &addr, &size) ? addr : 0;
}

static void find_functions(struct pycalls *calls)
{
	calls->restore_thread = find(calls, "PyEval_RestoreThread");
	calls->save_thread = find(calls, "PyEval_SaveThread");
	calls->collect = find(calls, "PyGC_Collect");
	calls->collect_anyway = find(calls, "_PyGC_CollectNoFail");
	calls->enable = find(calls, "PyGC_Enable");
	calls->disable = find(calls, "PyGC_Disable");
	if (!elf_file_find(calls->place.elf, "Py_AddPendingCall", &calls->add_pending_call,
		    &calls->add_pending_call_size))
		calls->add_pending_call = 0;
}

struct error *pycalls_open(pid_t pid, struct pycalls **ret)
{
	_cleanup_(pycalls_close) struct pycalls *calls = mem_calloc(1, sizeof(*calls));
	struct error *error;

	if (!calls)
		return error_enomem();
	error = process_open(pid, &calls->process);
	if (!error)
		error = process_target_live(calls->process, &calls->live);
	if (!error)
		error = pyruntime_find(calls->live, &calls->place);
	if (!error)
		error = open_python(calls);
	if (error)
		return calls->process ? process_explain(calls->process, error) : error;
	find_functions(calls);
	*ret = take(calls);
	return NULL;
}

void pycalls_close(struct pycalls *calls)
{
	if (!calls)
		return;
	python_close(calls->python);
	target_destroy(calls->live);
	pyruntime_place_deinit(&calls->place);
	process_destroy(calls->process);
	mem_free(calls);
}

struct process *pycalls_process(const struct pycalls *calls)
{
	return calls->process;
}

uint32_t pycalls_version_hex(const struct pycalls *calls)
{
	return calls->python->version_hex;
}

static bool is_interpreters(const struct pycalls *calls, const char *path)
{
	return strcmp(path, calls->place.path) == 0;
}

// Code that has no lock of its own across a wait.
static bool is_trusted(const struct pycalls *calls, remote_addr caller)
{
	const struct mapping *mapping = mappings_find(target_mappings(calls->live), caller);

	return mapping && (is_interpreters(calls, mapping->path) ||
				  strcmp(mapping->path, process_executable(calls->process)) == 0 ||
				  strstr(mapping->path, STANDARD_MODULES));
}

static bool is_waiting(const struct pycalls *calls, const struct stopped_thread *thread)
{
	remote_addr caller, start, end, lock = thread_place_lock(thread);

	if (!thread_place_is_waiting(thread, calls->live, &caller))
		return false;
	if (lock && elf_file_data(calls->place.elf, &start, &end) && lock >= start && lock < end)
		return false;
	return is_trusted(calls, caller) || thread_place_is_in_event_loop(thread);
}

// Where the lock of the pending calls may be held. Py_AddPendingCall() and the functions of the evaluation
// loop that take a call out of the queue hold it for a few instructions; below these are only functions of
// locks. Not all have a name in a stripped binary.
static bool may_hold_pending_lock(const char *function)
{
	static const char *const names[] = {"Py_AddPendingCall", "_PyEval_AddPendingCall",
		"Py_MakePendingCalls", "_Py_MakePendingCalls", "make_pending_calls",
		"_make_pending_calls", "_pop_pending_call", "_push_pending_call", "push_pending",
		"eval_frame_handle_pending", "_Py_HandlePending", "handle_signals", "PyThread_",
		"PyMutex_", "_PyMutex_", "_PyParkingLot_"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strncmp(function, names[i], strlen(names[i])) == 0)
			return true;
	}
	return false;
}

// Does the thread execute code in which it certainly does not hold that lock?
static bool may_add_a_call(const struct pycalls *calls, const struct stopped_thread *thread)
{
	const char *path, *function;
	remote_addr addr;
	uint64_t offset;

	if (!thread_place_is_outside_library(thread, calls->live, &addr, &path))
		return false;
	if (!is_interpreters(calls, path))
		return true;
	function = elf_file_function_at(calls->place.elf, addr, &offset);
	return function && !may_hold_pending_lock(function);
}

// The kernel lets the first thread's stack grow; that of others has to be large enough for finalizers.
static bool has_room(const struct stopped_thread *thread, const struct mappings *mappings)
{
	const struct mapping *stack;
	struct target_thread where;

	machine_describe_thread(&thread->registers, &where);
	stack = mappings_find(mappings, where.stack_pointer);
	return stack && (strcmp(stack->path, "[stack]") == 0 ||
				where.stack_pointer - stack->start >= STACK_ROOM_BYTES);
}

// What no thread must be in that is diverted.
static const char *find_refusal(const struct pycalls *calls, const struct stopped_thread *thread,
	const struct machine_gadgets *gadgets, const struct mappings *mappings)
{
	const char *refusal = injection_refusal(thread, mappings, gadgets);

	if (!refusal && !has_room(thread, mappings))
		refusal = "its stack has no room";
	if (!refusal && thread_place_is_in_handler(thread, calls->live, gadgets->signal_return))
		refusal = "a signal handler runs in it";
	return refusal;
}

// The state of a kernel thread in the main interpreter; 0 if it has none, or more than one.
static remote_addr find_state(struct pycontext *context, const struct stopped_thread *thread)
{
	_cleanup_(addr_vector_deinit) struct addr_vector states = {0};
	const struct pylayout *layout = context->python->layout;
	uint64_t wanted = machine_thread_pointer(&thread->registers);
	remote_addr found = 0;
	size_t count = 0;

	error_destroy(pyruntime_threads(context, context->python->interpreters.items[0], &states));
	for (size_t i = 0; i < states.count; i++) {
		if (pyreader_pointer(
			    &context->reader, states.items[i] + layout->tstate.thread_id) != wanted)
			continue;
		found = states.items[i];
		count++;
	}
	return count == 1 ? found : 0;
}

static bool is_gil_holder(struct pycontext *context, remote_addr state)
{
	remote_addr holders[HOLDERS_MAX];
	size_t count = pyruntime_gil_holders(context, holders, HOLDERS_MAX);

	for (size_t i = 0; i < count; i++) {
		if (holders[i] == state)
			return true;
	}
	return false;
}

static bool is_in_python_code(struct pycontext *context, remote_addr state)
{
	remote_addr addr = pyframe_innermost(context, state);
	struct pyframe frame;

	for (int i = 0; addr && i < C_FRAMES_MAX; i++) {
		if (!pyframe_read(context, addr, &frame) || frame.owner != PYFRAME_OTHER)
			return true;
		addr = frame.previous;
	}
	return addr != 0;
}

// Is any thread in the midst of it? It is left out that one waits for the lock: somebody holds it then.
static bool is_adding_a_call(const struct pycalls *calls, const struct stopped_threads *threads)
{
	for (size_t i = 0; i < threads->count; i++) {
		struct target_thread where = {0};

		if (!threads->items[i].stopped)
			continue;
		machine_describe_thread(&threads->items[i].registers, &where);
		if (where.program_counter - calls->add_pending_call < calls->add_pending_call_size)
			return true;
	}
	return false;
}

// To the point of a thread that waits.
static bool plan_for_waiting(const struct pycalls *calls, struct pycontext *context,
	const struct stopped_thread *thread, remote_addr state, struct remote_call_plan *ret)
{
	bool is_holder = is_gil_holder(context, state);

	if (!is_waiting(calls, thread) || (is_holder && is_in_python_code(context, state)))
		return false;
	ret->point = REMOTE_CALL_WITHIN;
	if (is_holder) {
		ret->functions = (struct machine_functions){.items = {calls->yield}, .count = 1};
		ret->reason = "in a thread that waited for work";
		return true;
	}
	ret->functions = (struct machine_functions){
		.items = {calls->restore_thread, calls->yield, calls->save_thread},
		.count = 3,
		.arguments = {state}};
	ret->reason = "in a thread that waited";
	return true;
}

// To the point that the main thread comes to by itself.
static bool plan_for_evaluating(const struct pycalls *calls, struct pycontext *context,
	const struct stopped_threads *threads, const struct stopped_thread *thread,
	remote_addr state, struct remote_call_plan *ret)
{
	if (thread->id != process_pid(calls->process) || !calls->add_pending_call ||
		!may_add_a_call(calls, thread) || is_adding_a_call(calls, threads) ||
		!is_gil_holder(context, state))
		return false;
	ret->point = REMOTE_CALL_AFTER;
	ret->is_alone = true;
	ret->functions = (struct machine_functions){
		.items = {calls->add_pending_call}, .count = 1, .arguments = {calls->yield, 0}};
	ret->reason = "in the main thread, between two instructions";
	return true;
}

static struct error *choose_for_collecting(void *context, const struct stopped_threads *threads,
	const struct machine_gadgets *gadgets, const struct mappings *mappings,
	struct remote_call_plan *ret)
{
	const struct pycalls *calls = context;
	_cleanup_(pycontext_deinit) struct pycontext python = {0};
	struct error *error = pycontext_init(&python, calls->python, CACHE_SLOTS);

	if (error)
		return error;
	ret->reason = nowhere;
	// The main thread last: it is the one that signals are sent to.
	for (size_t i = threads->count; i-- > 0;) {
		const struct stopped_thread *thread = &threads->items[i];
		struct remote_call_plan plan = {.thread = i};
		remote_addr state = thread->stopped ? find_state(&python, thread) : 0;

		if (!state || (!plan_for_waiting(calls, &python, thread, state, &plan) &&
				      !plan_for_evaluating(
					      calls, &python, threads, thread, state, &plan)))
			continue;
		ret->reason = find_refusal(calls, thread, gadgets, mappings);
		if (ret->reason)
			continue;
		*ret = plan;
		return NULL;
	}
	return NULL;
}

// It was asked for by the interpreter, not by a library that spins.
static bool is_pending_call(const struct pycalls *calls, const struct machine_registers *registers)
{
	const struct mapping *mapping = mappings_find(
		target_mappings(calls->live), thread_place_return_address(registers, calls->live));

	return mapping && is_interpreters(calls, mapping->path);
}

static struct machine_functions collector(const struct pycalls *calls, bool is_enabled)
{
	struct machine_functions functions = {.items = {calls->collect}, .count = 1};

	if (is_enabled)
		return functions;
	if (calls->enable && calls->disable)
		return (struct machine_functions){
			.items = {calls->enable, calls->collect, calls->disable}, .count = 3};
	if (calls->collect_anyway)
		functions.items[0] = calls->collect_anyway;
	return functions;
}

static struct error *arrive_for_collecting(void *context, const struct stopped_thread *thread,
	const struct machine_registers *registers, bool is_ours, struct machine_functions *ret)
{
	const struct pycalls *calls = context;
	_cleanup_(pycontext_deinit) struct pycontext python = {0};
	struct error *error;
	remote_addr state;

	if (!is_ours && !is_pending_call(calls, registers))
		return NULL;
	error = pycontext_init(&python, calls->python, CACHE_SLOTS);
	if (error)
		return error;
	state = find_state(&python, thread);
	if (state && !pyruntime_is_collecting(&python) && is_gil_holder(&python, state))
		*ret = collector(calls, pyruntime_collector_is_enabled(&python));
	return NULL;
}

static bool has_debugger(const struct pycalls *calls)
{
	_cleanup_(pycontext_deinit) struct pycontext python = {0};
	struct error *error = pycontext_init(&python, calls->python, CACHE_SLOTS);
	bool has = !error && pydebugger_is_available(&python);

	error_destroy(error);
	return has;
}

// The thread state that computes, or 0: none, or PEP 768 is not to be used.
static remote_addr find_computing(const struct pycalls *calls)
{
	remote_addr holder = 0;

	for (int i = 0; i < COMPUTING_LOOKS && !holder; i++) {
		_cleanup_(pycontext_deinit) struct pycontext python = {0};
		struct error *error = pycontext_init(&python, calls->python, CACHE_SLOTS);

		if (error || !pydebugger_is_available(&python)) {
			error_destroy(error);
			return 0;
		}
		pyruntime_gil_holders(&python, &holder, 1);
		usleep(COMPUTING_PAUSE_US);
	}
	return holder;
}

// PEP 768 where a thread computes, and will so come to it; else it is called in one that waits.
static struct error *collect_somehow(struct pycalls *calls, const struct remote_call_ops *ops,
	const struct remote_patience *patience, struct remote_call_report *ret)
{
	struct remote_patience slice = *patience;
	double until_s = monotonic_seconds() + patience->end_s;

	for (bool is_own = true; slice.end_s > 0 && !(slice.is_enough && slice.is_enough());
		is_own = !is_own) {
		remote_addr state = is_own ? find_computing(calls) : 0;
		struct error *error = NULL;

		slice.begin_s = slice.end_s < SLICE_SECONDS ? slice.end_s : SLICE_SECONDS;
		*ret = (struct remote_call_report){.reason = nowhere};
		if (state)
			error = pydebugger_collect(
				calls->process, calls->python, state, &slice, ret);
		else if (!is_own)
			error = remote_call_run(calls->process, ops, calls, &slice, ret);
		if (error || ret->is_done || ret->is_left)
			return error;
		slice.end_s = until_s - monotonic_seconds();
	}
	return NULL;
}

struct error *pycalls_collect(struct pycalls *calls, double seconds_max, bool (*is_enough)(void),
	struct remote_call_report *ret)
{
	static const struct remote_call_ops ops = {
		.choose = choose_for_collecting, .arrive = arrive_for_collecting};
	const struct remote_patience patience = {seconds_max, seconds_max, is_enough};

	*ret = (struct remote_call_report){0};
	if (!libraries_find(calls->live, NULL, "sched_yield", &calls->yield) || !calls->collect ||
		!calls->restore_thread || !calls->save_thread)
		return error_create(ERROR_UNSUPPORTED,
			"the functions that have to be called were not found in %s",
			calls->place.path);
	if (has_debugger(calls))
		return collect_somehow(calls, &ops, &patience, ret);
	return remote_call_run(calls->process, &ops, calls, &patience, ret);
}

static struct error *choose_for_trimming(void *context, const struct stopped_threads *threads,
	const struct machine_gadgets *gadgets, const struct mappings *mappings,
	struct remote_call_plan *ret)
{
	const struct pycalls *calls = context;

	ret->reason = nowhere;
	for (size_t i = threads->count; i-- > 0;) {
		const struct stopped_thread *thread = &threads->items[i];
		bool is_waits = is_waiting(calls, thread);
		const char *path;
		remote_addr addr;

		if (!is_waits &&
			!thread_place_is_outside_library(thread, calls->live, &addr, &path))
			continue;
		ret->reason = find_refusal(calls, thread, gadgets, mappings);
		if (ret->reason)
			continue;
		*ret = (struct remote_call_plan){.thread = i,
			.functions = {.items = {calls->trim}, .count = 1},
			.holds_signals = true,
			.reason =
				is_waits ? "in a thread that waited" : "in a thread that computed"};
		return NULL;
	}
	return NULL;
}

struct error *pycalls_trim(struct pycalls *calls, double seconds_max, bool (*is_enough)(void),
	struct remote_call_report *ret)
{
	static const struct remote_call_ops ops = {.choose = choose_for_trimming};
	const struct remote_patience patience = {seconds_max, seconds_max, is_enough};
	struct error *error = libraries_find_malloc_trim(calls->live, &calls->trim);

	*ret = (struct remote_call_report){0};
	return error ? error : remote_call_run(calls->process, &ops, calls, &patience, ret);
}
