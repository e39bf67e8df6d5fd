// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Every bound in the program, with its reason.
 *
 * What is read from a target is hostile: a length, a chain or a table may be torn, freed or made to
 * hurt. Each walk and each allocation that depends on such bytes is bounded by one of these.
 */
#pragma once

/** Worker threads: the work is bound by memory bandwidth, more do not help. */
#define LIMIT_WORKERS 16

/** Mappings of one process; the kernel's own default limit (vm.max_map_count) is 65530, and some
 *  databases raise it. */
#define LIMIT_MAPPINGS (1 << 20)

/** Text of one file under /proc: a million mappings with long paths. */
#define LIMIT_PROC_BYTES (256u << 20)

/** Executable memory that is searched for the two instructions that injection needs; libc and the
 *  interpreter together have some 10 MB. */
#define LIMIT_GADGET_BYTES (256u << 20)

/** The notes of a core file: 16 MB of NT_FILE (the most that the kernel can be told to write), and
 *  registers of 32,768 threads. */
#define LIMIT_CORE_NOTE_BYTES (256u << 20)

/** Different files that a core names and that are looked for; each that is found stays open. */
#define LIMIT_CORE_BINARIES 4096

/** Threads of one process that are stopped together. */
#define LIMIT_THREADS 32768

/** An ELF file's symbols that are looked at; libpython has about 10,000, Chromium 2 million. */
#define LIMIT_ELF_SYMBOLS (8 << 20)

/** sizeof(_PyRuntimeState), and so offsets in it; 0.4 MB in 3.15. */
#define LIMIT_RUNTIME_BYTES (16u << 20)

/** Interpreters in a process. */
#define LIMIT_INTERPRETERS 1024

/** Frames in one thread's chain; the default recursion limit is 1000, and it can be raised. */
#define LIMIT_FRAMES 100000

/** Frames of all threads that are kept with their names, about 1 kB each at worst. */
#define LIMIT_STACK_FRAMES (1u << 17)

/** Slots (locals and value stack) in one frame. */
#define LIMIT_FRAME_SLOTS 65536

/** Words of all frames of a process together, for chains that lead in a circle or share frames:
 *  10,000 threads, each 50 deep, have some 10 million. */
#define LIMIT_FRAME_WORDS (1ull << 25)

/** Words of static data (files' writable pages, C heaps in them) that belong to objects, besides the
 *  anonymous memory that a target's size says. */
#define LIMIT_STATIC_WORDS (1ull << 24)

/** Blocks of C code's memory that one worker notes, 24 bytes each: objects that lead to many may be
 *  many. Past it, blocks belong to nobody. */
#define LIMIT_BLOCKS (1u << 22)

/** Bytes of a type's name; CPython's own buffers for it are shorter. */
#define LIMIT_TYPE_NAME 512

/** Distinct types: 24 bits of a node's word. */
#define LIMIT_TYPES ((1 << 24) - 2)

/** Entries of all types' lists of subclasses together: a class is in those of its bases, which are few,
 *  and 2.7 keeps entries of dead ones. */
#define LIMIT_SUBCLASSES (4ull * LIMIT_TYPES)

/** Steps along tp_base. */
#define LIMIT_TYPE_BASES 256

/** Entries of one tp_members array. */
#define LIMIT_TYPE_MEMBERS 4096

/** Items in one container: more than any address space holds. */
#define LIMIT_ITEMS (1ull << 36)

/** Bytes of a name (attribute, key, function, file) that are read for showing. */
#define LIMIT_NAME_BYTES 4096

/** Arenas of glibc's malloc: eight per core by default. */
#define LIMIT_MALLOC_ARENAS 65536

/** Heaps of 64 MiB of one such arena: four terabytes. */
#define LIMIT_MALLOC_HEAPS 65536

/** Free chunks that malloc keeps in lists, of all threads and arenas, 16 bytes each. */
#define LIMIT_MALLOC_CACHED (1ull << 24)

/** Arenas of pymalloc: 4 terabytes of 1 MiB each. */
#define LIMIT_PYMALLOC_ARENAS (1u << 22)

/** Blocks of C code for which an owner is looked for, 32 bytes each. */
#define LIMIT_LOOSE_BLOCKS (1u << 25)

/** Nodes of a graph: 31 bits, the top bit of an edge marks it as inferred. */
#define LIMIT_NODES 0x7ffffff0u

/** What a column of a snapshot file may unpack to: so many bytes, and so many times the bytes of the
 *  file. Blocks of zeros are packed 5,000 times; the smallest of Python processes makes 500 kB. */
#define LIMIT_STORE_BYTES (64ull << 20)
#define LIMIT_STORE_RATIO 4096

/** Bytes and counts of a process's memory that a file may claim: x86-64 has 2^56 bytes of user space. */
#define LIMIT_MEMORY_BYTES (1ull << 56)

/** What SQLite may allocate for one question: a sort of 20 million numbers takes 0.5 GB. */
#define LIMIT_SQL_BYTES (4ll << 30)
