// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Graphs for tests, from text.
 *
 *	graph_from("root:a,b a:c b:c c:d d=100")
 *
 * Words are separated by blanks. Nodes get their numbers in the order in which they are first
 * mentioned; "root" is HEAP_ROOT. A word is one of
 *
 *	a:b,c      edges, in this order. An edge can have a label before '>', and '?' after it marks
 *	           it as inferred: "a:.x>b,'k'>c,[3]>d,e?"
 *	a=100      shallow size; 1 if not said
 *	a/list     type; the name decides the role (graph_from.c); any other is a class
 *	a+tracked  flag: tracked, container, type, module, static, unexplained, uncollectable,
 *	           permanent
 *	a"m.f"     what naming.name says
 *	a@/x/y.py  what naming.file says
 *	a#30       what naming.length says
 *
 * Labels: .x attribute, @x field, 'k' key (the text includes the quotes), [3] index, {} set item,
 * %x cell, $x local, ~x slot, ! stack, ^ key object, nothing: none. '_' in a key is a blank.
 *
 * A root edge's label is its kind: root:modules>a,frame>b,unexplained>c (modules, frame, thread,
 * interpreter, global, static, stack, unexplained; none: global). Roots with names are added by
 * graph_from_root(). Mistakes in the text fail an assertion.
 */
#pragma once

#include "heap/heap_graph.h"

struct graph_from {
	struct heap_graph *graph;
	unsigned label_calls, file_calls; /* how often naming was asked */
	struct graph_from_private *private;
};

struct graph_from *graph_from(const char *text);
void graph_from_destroy(struct graph_from *from);
DEFINE_CLEANUP(struct graph_from *, graph_from_destroy)

/** The node called @p name; it must exist. */
node_id graph_from_node(const struct graph_from *from, const char *name);
void graph_from_root(struct graph_from *from, const char *node, enum heap_root_kind kind,
	const char *name, const char *file);
