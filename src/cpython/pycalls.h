// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The collector, and malloc_trim(), called in a running interpreter at a safe point.
 *
 * What makes a point safe for the collector. It runs finalizers, which is any Python code, so that it needs
 * what any call of the C API needs: a thread that has the GIL (or may take it), in a place where CPython itself
 * lets Python code in. There are three:
 *
 * - A thread that waits. C code that is going to wait gives up the GIL (Py_BEGIN_ALLOW_THREADS), and when a
 *   signal interrupts the wait it takes it again, runs the program's signal handlers, which is any Python
 *   code, gives it up and waits on (PEP 475). Exactly that is called: PyEval_RestoreThread() with the thread's own
 *   state, …, PyEval_SaveThread(). Conditions, of which each is looked at while all threads stand still: the
 *   thread is blocked in a system call that waits; whoever called the C library for it is the
 *   interpreter, a module of its standard library (lib-dynload), or the program that embeds it, none of which
 *   has a lock of its own across a wait, whereas a database's client might (any caller will do for epoll_wait,
 *   in which event loops wait for everything at once); it has one thread state, which does not hold the GIL;
 *   and the lock, if it waits for one, is not the interpreter's own (the GIL) in its static data.
 * - A thread that waits and holds the GIL, but is in no Python code at all: a program that embeds Python,
 *   waiting for work, as uWSGI without threads does. It may call the C API as it is.
 * - The main thread between two instructions, at a check of the "eval breaker", where Py_AddPendingCall() has
 *   things called. Its callback has to be something that is there already, returns 0 whatever comes, and can be
 *   seen: sched_yield(). (PyRun_SimpleString() would swallow the exception of a signal handler that runs in it;
 *   PyGC_Collect() itself returns the number of objects found, which is taken for an error.)
 *   Py_AddPendingCall() is made for being called from anywhere, but takes a lock (NOWAIT up to 3.7, waiting
 *   since 3.8; Python/ceval.c, ceval_gil.c), which is held for a few instructions in the functions that put
 *   calls into the queue and take them out, and in those of the lock below these. So the main thread is diverted
 *   to it only where its program counter is in a function that is known by name and none of these, or in code
 *   that is neither the interpreter's nor the C library's; while no other thread is in
 *   Py_AddPendingCall(), with all others stopped.
 *
 * From 3.14 on a thread that computes, any thread, is asked by PEP 768 in place of the last (pydebugger.h), which
 * needs no diversion at all; unless the program has switched that off. One that waits would not come to it.
 *
 * At each of the three the thread comes to a sched_yield() first (target/remote_call.h). There it is checked
 * that it holds the GIL and no collection runs, and only then is the collector called: PyGC_Collect(). As that
 * does nothing in a program that called gc.disable() (since 3.8), it is framed by PyGC_Enable() and
 * PyGC_Disable() then (3.10+), or replaced by _PyGC_CollectNoFail() (3.8, 3.9); nobody can change that
 * meanwhile, since the thread holds the GIL. All of it is one row of calls on the thread's own stack, which
 * needs nothing from us: killed at any instant, we leave a collection that runs to its end, or none.
 *
 * What makes a point safe for malloc_trim(). It takes the lock of each arena in turn: one that another thread
 * holds is waited for, one that the thread itself holds is a deadlock. So the thread must not be in the midst
 * of malloc() or free(): it waits as above, or its program counter is not in the C library, while no signal
 * handler runs. It needs no GIL.
 *
 * Where a thread waits in other code, or computes and does not come back to Python, there is no such point: it is
 * waited for one until time is up.
 */
#pragma once

#include "cpython/python_open.h"
#include "target/remote_call.h"

struct pycalls;

/** Identify the process and its interpreter; errors as those of process_open() and python_open(). */
struct error *pycalls_open(pid_t pid, struct pycalls **ret);
void pycalls_close(struct pycalls *calls);
DEFINE_CLEANUP(struct pycalls *, pycalls_close)

struct process *pycalls_process(const struct pycalls *calls);
uint32_t pycalls_version_hex(const struct pycalls *calls);

/** Have everything collected in the main interpreter, as gc.collect() does. */
struct error *pycalls_collect(struct pycalls *calls, double seconds_max, bool (*is_enough)(void),
	struct remote_call_report *ret);

/** Have glibc give back free memory: malloc_trim(0). ERROR_UNSUPPORTED if malloc() is not glibc's. */
struct error *pycalls_trim(struct pycalls *calls, double seconds_max, bool (*is_enough)(void),
	struct remote_call_report *ret);
