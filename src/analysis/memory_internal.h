// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Between memory.c (the figures) and memory_text.c (the words).
 */
#pragma once

#include "analysis/memory.h"

struct error *memory_find_remedies(struct memory_report *report, bool collector_is_enabled);
struct error *memory_say_verdict(struct memory_report *report);
