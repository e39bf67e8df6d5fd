// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Between growth.c (history) and growth_candidates.c (what is worth a closer look).
 */
#pragma once

#include "analysis/growth.h"

/** Fill growth->view from the newest sample and its history, while the graph is there. */
struct error *growth_find_candidates(
	struct growth *growth, const struct growth_sample_input *input);
void growth_drop_candidates(struct growth *growth);
