// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What differs between snapshots, as a table.
 *
 * Each row has a fingerprint, the same for the same type or path in every pair of snapshots: for programs that
 * keep what they have seen.
 */
#pragma once

#include "analysis/heap_diff.h"
#include "report/show_report.h"

/** The @p limit types or places that changed most, the largest growth first. Rows borrow from @p diff. */
struct error *show_diff(const struct heap_diff *diff, size_t limit, struct show_report *ret);
