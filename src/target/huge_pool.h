// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Memory in huge pages of the kernel's pool: MAP_HUGETLB, as glibc's malloc asks for with
 * GLIBC_TUNABLES=glibc.malloc.hugetlb=2, and CPython 3.15 built with --with-pymalloc-hugepages. (Transparent
 * huge pages are not of the pool, and none of this holds for them.)
 *
 * When such a page is copied on write, the copy is one of the pool as well. If there is none left (Linux,
 * mm/hugetlb.c, hugetlb_wp(), 4.14 to 6.18):
 *
 *	with MAP_NORESERVE   the writer gets SIGBUS: a clone of ours would kill the process
 *	else                 the page is taken from the clone, which then lacks it
 *
 * It is asked before the process is stopped, and others may take pages of the pool while a clone lives: what a
 * process without a reservation begins to use in these milliseconds is not seen.
 */
#pragma once

#include "target/usage.h"

/** Can a clone be made of a process with this usage, all of whose pages may be written to meanwhile?
 *  ERROR_UNSUPPORTED if the pool has too few free pages for that. @p pools: where the kernel tells of
 *  its pools, "/sys/kernel/mm/hugepages". */
struct error *huge_pool_check(const struct usage *usage, const char *pools);

/** The same of a process. */
struct error *huge_pool_check_process(const struct process *process);
