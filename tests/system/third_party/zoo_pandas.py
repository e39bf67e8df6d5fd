# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Frames, series and indices: arrays in blocks."""

import pandas

EACH = 100


def build(facts):
    held = []
    for number in range(EACH):
        frame = pandas.DataFrame({"a": range(20), "b": ["text %d" % n for n in range(20)],
                                  "c": [1.5] * 20})
        frame["d"] = pandas.Timestamp("2026-01-01")
        held += [frame, frame["a"], frame.set_index("b").loc[["text 3"]], frame.groupby("c"),
                 pandas.Timestamp(number), pandas.Series([{"x": number}]),
                 pandas.Categorical(["a", "b"] * 5), pandas.date_range("2026-01-01", periods=5)]
        frame.set_index("b").index.get_loc("text 3")
    return held
