// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * A call in a process as JSON: schemas shikari.gc/1 and shikari.trim/1, see docs/json.md.
 */
#pragma once

#include "report/call_report.h"

struct error;

/** The document, with a newline at the end; the caller owns it. */
struct error *export_call_json(const struct call_report *report, char **ret);
