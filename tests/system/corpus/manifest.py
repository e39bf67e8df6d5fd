# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""What shikari has to say about each program of the corpus.

A leak is named first if the path of the suspect ranked first matches one of the patterns as a whole.
`{M}` stands for the program's own module. Where more than one answer names the leak as well (the
holder's attribute or what is behind it), all are given; where only one is right, only that.
"""

import collections

#: paths: patterns for a leak, None for a healthy program. kind: a pattern for the suspect's kind, where
#: a path is not the answer. sets: the small selections it is in: "fast" on the machine's own Python, "small"
#: on every other. since, until: the first and the last version that can have it. needs: a module that
#: only Debian's python3.11 has. bytes: what each of the items held takes at least, its buffers included.
#: adder: a pattern for a function that is seen adding to it.
Program = collections.namedtuple("Program", "file paths kind sets since until needs bytes adder")

OLDEST, NEWEST = (2, 7), (3, 99)


def leak(name, *paths, kind=None, sets="", since=OLDEST, until=NEWEST, needs=None, bytes=0,
         adder=None):
    return Program(f"leak_{name}.py", paths, kind, sets.split(), since, until, needs, bytes, adder)


def healthy(name, sets="", since=OLDEST, until=NEWEST, needs=None):
    return Program(f"healthy_{name}.py", None, None, sets.split(), since, until, needs, 0, None)


def runs_on(program, version):
    return program.since <= version[:2] <= program.until


PROGRAMS = [
    # Containers at the end of a plain path.
    leak("class_attribute", r"{M}\.Profiler\.results", sets="fast"),
    leak("module_dict", r"{M}\.responses"),
    leak("app_state_cache", r"{M}\.app\.state\.cache\['users'\]", sets="fast"),
    leak("deque", r"{M}\.events"),
    leak("copied_dict", r"{M}\.config\.values", adder=r"(Config\.)?define"),
    leak("set", r"{M}\.deduplicator\.seen"),
    leak("listeners", r"{M}\.bus\.listeners"),
    leak("queue", r"{M}\.outbox(\.queue)?"),
    leak("ordered_dict", r"{M}\.sessions(\._OrderedDict__map)?"),
    leak("defaultdict", r"{M}\.by_user"),
    leak("counter", r"{M}\.hits"),
    leak("tuple_keys", r"{M}\.Router\.cache"),
    leak("list_in_tuple_in_dict", r"{M}\.tables\['orders'\]\[1\]"),
    leak("string_table", r"{M}\.Strings\.table"),
    leak("slot", r"{M}\.engines\[1\]\.backlog"),
    leak("attributes", r"{M}\.settings(\.__dict__)?", sets="small"),
    leak("instance_dicts", r"{M}\.directory\.users"),
    leak("slotted_dataclasses", r"{M}\.book\.orders", since=(3, 10)),
    leak("old_style_class", r"{M}\.Statistics\.visits", sets="small"),
    leak("old_style_instance", r"{M}\.browser\.pages"),
    leak("defaultdict_of_sets", r"{M}\.blocked"),
    leak("under_noise", r"{M}\.audit", sets="fast"),
    leak("wsgi_environ", r"{M}\.application\.history"),
    leak("simple_queue", r"{M}\.outbox(\.lst)?", since=(3, 7), adder="<module>"),
    leak("huge_bound", r"{M}\.render(\W.*)?", since=(3, 6)),
    leak("element_tree", r"{M}\.report(\._children)?"),
    # The library is the holder.
    leak("logging_handlers", r"(.*\.)?log\.handlers", r"logging\..*\['shop\.requests'\]\.handlers"),
    leak("finalizers", r"weakref\.finalize\._registry", since=(3, 6)),
    leak("modules", r"sys\.modules", r"sys\.modules\W*"),
    leak("asyncio_timers", r".*\b_scheduled", since=(3, 6)),
    leak("atexit", r".*\batexit\b.*", r"held by C code\b.*"),
    leak("scheduler", r"{M}\.timeouts\._queue"),
    leak("warning_registry", r"{M}\.__warningregistry__"),
    leak("pointer_types", r"ctypes\._pointer_type_cache", until=(3, 13)),
    leak("audit_hooks", r".*\baudit_hooks", since=(3, 8), adder="handle"),
    leak("interned", r".*\binterned\b.*", since=(3, 12), until=(3, 12)),
    leak("threads", r"threading\._active", r"threads\b.*", r"thread '(?!MainThread).*"),
    # What is kept holds more than it seems to.
    leak("types", r"{M}\.Model\.registry", since=(3, 6)),
    leak("weak_values", r"{M}\.Session\.live"),
    leak("exceptions", r"{M}\.errors"),
    leak("generators", r"{M}\.cursors"),
    leak("coroutines", r"{M}\.deferred", since=(3, 6)),
    leak("asyncio_tasks", r"{M}\.server\.background", since=(3, 6)),
    leak("asyncio_futures", r"{M}\.peer\.pending", since=(3, 6)),
    leak("contexts", r"{M}\.recent", since=(3, 7)),
    leak("asyncio_waiters", r"(.*\.)?warehouse\.delivered\._waiters", since=(3, 6)),
    leak("async_generators", r"{M}\.streams", since=(3, 6)),
    leak("frames", r"{M}\.recorder\.frames"),
    leak("tracebacks", r"{M}\.failures"),
    leak("resurrected", r"{M}\.Buffer\.spare"),
    leak("exit_stack", r"{M}\.stack\.entered"),
    leak("weakref_callbacks", r"{M}\.pool\.watchers"),
    leak("weak_keys", r"{M}\.spans(\.data)?"),
    leak("memoryview", r"{M}\.headers"),
    leak("sqlite_cursors", r"{M}\.Report\.cursors"),
    # Functions hold it.
    leak("lru_cache_unbounded", r"{M}\.lookup(\W.*)?", since=(3, 6)),
    leak("lru_cache_method", r"{M}\.Report\.render(\W.*)?", since=(3, 6)),
    leak("closure", r"{M}\.record\b.*\bhistory\b.*"),
    leak("default_argument", r"{M}\.collect\b.*(__defaults__|\bitems\b).*"),
    # Frames, threads and contexts hold it.
    leak("main_local", r"thread 'MainThread' {M}\.main local pending", sets="fast small"),
    leak("thread_frame", r"thread 'collector' {M}\.collect local batch"),
    leak("thread_local", r".*\bbreadcrumbs\b.*"),
    leak("thread_locals", r".*\brendered\b.*", r"{M}\.context\b.*"),
    leak("subinterpreter", r".*\bPlugin\.calls", since=(3, 8)),
    leak("coroutine_local", r"coroutine {M}\.main local jobs\._queue", since=(3, 6)),
    leak("contextvar", r".*(\btrail\b|\bcontext\b).*", since=(3, 7)),
    # Many small containers, or none.
    leak("dict_of_lists", r"{M}\.service\.sessions(\[(…|\.\.\.|\*)\])?", sets="fast small"),
    leak("lists_by_route", r"{M}\.timings\.by_route"),
    leak("topics", r"{M}\.broker\.topics", kind="holder"),
    leak("children", r"{M}\.Tracer\.root(\.children)?"),
    leak("linked_list", r"{M}\.journal(\.head)?(\.next\b.*|…|\.\.\.)?", sets="fast"),
    leak("error_chain", r"{M}\.client\.last_error\b.*", since=(3, 6)),
    leak("tree", r"{M}\.tracker(\.root)?(\.__dict__)?"),
    leak("trie", r"{M}\.index(\.root)?"),
    leak("blocks", r"{M}\.store(\.blocks)?"),
    leak("cells", r"{M}\.history", kind="chain"),
    leak("tee", r"{M}\.slow(\W.*)?"),
    leak("wrapped_functions", r"{M}\.handler(\W.*)?"),
    leak("garbage_gc_disabled", r".*", kind=r"(?i).*(garbage|cycle).*",
         sets="fast small"),
    leak("uncollectable", r"gc\.garbage", until=(2, 7)),
    # One buffer that grows.
    leak("bytearray", r"{M}\.recorder\.body", sets="fast"),
    leak("bytesio", r"{M}\.audit(\W.*)?"),
    leak("stringio", r"{M}\.transcript(\W.*)?"),
    leak("string", r"{M}\.page\.text", adder="<module>"),
    leak("big_int", r"{M}\.sent\.mask"),
    leak("array", r"{M}\.samples"),
    # Objects of C libraries.
    leak("numpy_dict", r"{M}\.results\.by_request", needs="numpy", bytes=40000, sets="fast"),
    leak("numpy_views", r"{M}\.peaks", needs="numpy", bytes=40000),
    leak("lxml_trees", r"{M}\.Archive\.documents", needs="lxml"),
    leak("sqlalchemy_session", r"{M}\.service\.session\._new", needs="sqlalchemy"),
    leak("scoped_session", r"{M}\.Session\.registry.*\._new", needs="sqlalchemy"),
    leak("pydantic", r"{M}\.seen", needs="pydantic", bytes=500),
    leak("sqlite_connections", r"{M}\.pool\.opened", since=(3, 6)),
    # Nothing leaks.
    healthy("eviction", sets="fast small"),
    healthy("rolling_deque"),
    healthy("filling_deque"),
    healthy("ring_per_user"),
    healthy("lru_cache", since=(3, 6)),
    healthy("lru_cache_warming", sets="fast small", since=(3, 6)),
    healthy("churn", sets="fast"),
    healthy("sawtooth", sets="fast"),
    healthy("cycles"),
    healthy("json"),
    healthy("thread_pool", since=(3, 6)),
    healthy("log_ring"),
    healthy("strings"),
    healthy("start_up"),
    healthy("large_static"),
    healthy("resizing_dict"),
    healthy("wsgi"),
    healthy("asyncio", since=(3, 6)),
    healthy("weak_cache"),
    healthy("generators"),
    healthy("buffer"),
    healthy("sqlite"),
    healthy("exceptions", since=(3, 6)),
    healthy("known_keys"),
    healthy("filling_lru", sets="small"),
    healthy("bodies"),
    healthy("table_of_lists"),
    healthy("imports"),
    healthy("old_style", sets="small", until=(2, 7)),
    healthy("request_threads"),
    healthy("last_error"),
    healthy("contexts", since=(3, 7)),
    healthy("numpy", needs="numpy"),
    healthy("sqlalchemy", needs="sqlalchemy"),
]
