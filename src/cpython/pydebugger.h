// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * PEP 768: have a running interpreter (3.14+) execute a script, by its own means.
 *
 * A path is written into a thread's state, a flag is set, and a bit of its "eval breaker": the thread executes
 * the file at its next check of that, between two instructions. Where that is done, _Py_DebugOffsets says
 * (debugger_support). Source: Python/remote_debugging.c (send_exec_to_proc_handle) and Python/ceval_gil.c
 * (_PyRunRemoteDebugger) of 3.14.0 and 3.15.0. Nothing is diverted; but a thread that waits does nothing
 * before it comes back.
 *
 * The script collects and then removes its own file, which is how its end is seen, and which leaves nothing
 * when we are killed. What it calls is called from one instruction, without a check of the eval breaker
 * after: were a signal handler of the program to run in the script, the exception that it raises (as
 * KeyboardInterrupt) would be lost there.
 */
#pragma once

#include "cpython/python.h"
#include "target/remote_call.h"

/** Does the interpreter allow it (-X disable-remote-debug, PYTHON_DISABLE_REMOTE_DEBUG)? */
bool pydebugger_is_available(struct pycontext *context);

/** Have thread state @p state collect. If it has not begun in time, it will not. */
struct error *pydebugger_collect(struct process *process, const struct python *python,
	remote_addr state, const struct remote_patience *patience, struct remote_call_report *ret);
