# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""What shikari has to say about each program of the corpus.

A leak is named first if the path of the suspect ranked first matches one of the patterns as a whole.
`{M}` stands for the program's own module. Where more than one answer names the leak as well (the
holder's attribute or what is behind it), all are given; where only one is right, only that.
"""

import collections

#: paths: patterns for a leak, None for a healthy program. kind: a pattern for the suspect's kind, where
#: a path is not the answer. fast: one of the few that `make test` runs. needs: a module that only
#: Debian's python3.11 has. bytes: what each of the items held takes at least, its buffers included.
Program = collections.namedtuple("Program", "file paths kind fast needs bytes")


def leak(name, *paths, kind=None, fast=False, needs=None, bytes=0):
    return Program("leak_%s.py" % name, paths, kind, fast, needs, bytes)


def healthy(name, fast=False, needs=None):
    return Program("healthy_%s.py" % name, None, None, fast, needs, 0)


PROGRAMS = [
    # Containers at the end of a plain path.
    leak("class_attribute", r"{M}\.Profiler\.results", fast=True),
    leak("module_dict", r"{M}\.responses"),
    leak("app_state_cache", r"{M}\.app\.state\.cache\['users'\]", fast=True),
    leak("deque", r"{M}\.events"),
    leak("set", r"{M}\.deduplicator\.seen"),
    leak("listeners", r"{M}\.bus\.listeners"),
    leak("queue", r"{M}\.outbox(\.queue)?"),
    leak("ordered_dict", r"{M}\.sessions"),
    leak("defaultdict", r"{M}\.by_user"),
    leak("counter", r"{M}\.hits"),
    leak("tuple_keys", r"{M}\.Router\.cache"),
    leak("list_in_tuple_in_dict", r"{M}\.tables\['orders'\]\[1\]"),
    leak("string_table", r"{M}\.Strings\.table"),
    leak("slot", r"{M}\.engines\[1\]\.backlog"),
    leak("attributes", r"{M}\.settings(\.__dict__)?"),
    leak("under_noise", r"{M}\.audit", fast=True),
    leak("wsgi_environ", r"{M}\.application\.history"),
    leak("element_tree", r"{M}\.report"),
    # The library is the holder.
    leak("logging_handlers", r"(.*\.)?log\.handlers", r"logging\..*\['shop\.requests'\]\.handlers"),
    leak("finalizers", r"weakref\.finalize\._registry"),
    leak("modules", r"sys\.modules", r"sys\.modules\W*"),
    leak("asyncio_timers", r".*\b_scheduled"),
    leak("atexit", r".*\batexit\b.*", r"held by C code\b.*"),
    leak("threads", r"threading\._active", r"threads\b.*", r"thread '(?!MainThread).*"),
    # What is kept holds more than it seems to.
    leak("types", r"{M}\.Model\.registry"),
    leak("weak_values", r"{M}\.Session\.live"),
    leak("exceptions", r"{M}\.errors"),
    leak("generators", r"{M}\.cursors"),
    leak("coroutines", r"{M}\.deferred"),
    leak("asyncio_tasks", r"{M}\.server\.background"),
    leak("asyncio_futures", r"{M}\.peer\.pending"),
    leak("contexts", r"{M}\.recent"),
    leak("memoryview", r"{M}\.headers"),
    leak("sqlite_cursors", r"{M}\.Report\.cursors"),
    # Functions hold it.
    leak("lru_cache_unbounded", r"{M}\.lookup(\W.*)?"),
    leak("lru_cache_method", r"{M}\.Report\.render(\W.*)?"),
    leak("closure", r"{M}\.record\b.*\bhistory\b.*"),
    leak("default_argument", r"{M}\.collect\b.*(__defaults__|\bitems\b).*"),
    # Frames, threads and contexts hold it.
    leak("main_local", r"thread 'MainThread' {M}\.main local pending", fast=True),
    leak("thread_frame", r"thread 'collector' {M}\.collect local batch"),
    leak("thread_local", r".*\bbreadcrumbs\b.*"),
    leak("coroutine_local", r"coroutine {M}\.main local jobs\._queue"),
    leak("contextvar", r".*(\btrail\b|\bcontext\b).*"),
    # Many small containers, or none.
    leak("dict_of_lists", r"{M}\.service\.sessions(\[(…|\.\.\.|\*)\])?", fast=True),
    leak("lists_by_route", r"{M}\.timings\.by_route"),
    leak("topics", r"{M}\.broker\.topics", kind="holder"),
    leak("children", r"{M}\.Tracer\.root(\.children)?"),
    leak("linked_list", r"{M}\.journal(\.head)?(\.next\b.*|…|\.\.\.)?", fast=True),
    leak("tree", r"{M}\.tracker(\.root)?"),
    leak("tee", r"{M}\.slow(\W.*)?"),
    leak("wrapped_functions", r"{M}\.handler(\W.*)?"),
    leak("garbage_gc_disabled", r".*", kind=r"(?i).*(garbage|cycle).*", fast=True),
    # One buffer that grows.
    leak("bytearray", r"{M}\.recorder\.body", fast=True),
    leak("bytesio", r"{M}\.audit(\W.*)?"),
    leak("stringio", r"{M}\.transcript(\W.*)?"),
    leak("string", r"{M}\.page\.text"),
    leak("big_int", r"{M}\.sent\.mask"),
    leak("array", r"{M}\.samples"),
    # Objects of C libraries.
    leak("numpy_dict", r"{M}\.results\.by_request", needs="numpy", bytes=40000, fast=True),
    leak("numpy_views", r"{M}\.peaks", needs="numpy", bytes=40000),
    leak("lxml_trees", r"{M}\.Archive\.documents", needs="lxml"),
    leak("sqlalchemy_session", r"{M}\.service\.session\._new", needs="sqlalchemy"),
    leak("scoped_session", r"{M}\.Session\.registry.*\._new", needs="sqlalchemy"),
    leak("pydantic", r"{M}\.seen", needs="pydantic", bytes=500),
    leak("sqlite_connections", r"{M}\.pool\.opened"),
    # Nothing leaks.
    healthy("eviction", fast=True),
    healthy("rolling_deque"),
    healthy("filling_deque"),
    healthy("lru_cache"),
    healthy("lru_cache_warming", fast=True),
    healthy("churn", fast=True),
    healthy("sawtooth", fast=True),
    healthy("cycles"),
    healthy("json"),
    healthy("thread_pool"),
    healthy("log_ring"),
    healthy("strings"),
    healthy("start_up"),
    healthy("large_static"),
    healthy("resizing_dict"),
    healthy("wsgi"),
    healthy("asyncio"),
    healthy("weak_cache"),
    healthy("generators"),
    healthy("buffer"),
    healthy("sqlite"),
    healthy("exceptions"),
    healthy("known_keys"),
    healthy("bodies"),
    healthy("table_of_lists"),
    healthy("imports"),
    healthy("numpy", needs="numpy"),
    healthy("sqlalchemy", needs="sqlalchemy"),
]
