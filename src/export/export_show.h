// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * A view of a heap as JSON: schema shikari.show/1, docs/json.md.
 */
#pragma once

#include "report/show_report.h"

/** The caller owns the text, which ends with a newline. */
struct error *export_show_json(const struct show_report *report, char **ret);
