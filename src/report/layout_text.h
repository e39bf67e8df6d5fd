// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Layouts as text for people: a line for each row, or what was used for a process, a line for each field.
 */
#pragma once

#include "doctor/doctor_layout.h"
#include "report/hunt_report.h"

/** UTF-8 without control characters but newlines (and colours). The caller owns it; NULL without
 *  memory. */
char *layout_text(const struct doctor_layout *layout, const struct report_style *style);
