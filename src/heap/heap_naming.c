// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_builder.h"

#include "base/limits.h"
#include "cpython/pycode.h"
#include "cpython/pydict.h"
#include "cpython/pyframe.h"
#include "cpython/pytext.h"
#include "heap/heap_shapes.h"

#include <stdio.h>
#include <string.h>

static uint64_t address_of(void *context, node_id node)
{
	return heap_addresses_of(&((struct heap_builder *)context)->addresses, node);
}

static node_id node_at(void *context, uint64_t address)
{
	return heap_addresses_find(&((struct heap_builder *)context)->addresses, address);
}

// The walk that made a node's edges, made again until the wanted one comes by.
struct label_search {
	struct heap_builder *builder;
	uint32_t wanted, seen; /* edges, that is: references that led to a node */
	bool is_found;
	struct pylabel label;
};

static void look_for_edge(struct pyscan *scan)
{
	struct label_search *search = scan->user;

	for (uint32_t i = 0; i < scan->count && !search->is_found; i++) {
		if (heap_addresses_find(&search->builder->addresses,
			    scan->refs[i] & PYREF_ADDRESS) == HEAP_NODE_NONE)
			continue;
		if (search->seen++ != search->wanted)
			continue;
		search->is_found = true;
		search->label = scan->labels[i];
		// Declared, it has a name at least.
		if (scan->refs[i] & PYREF_INFERRED && search->label.kind != PYLABEL_SLOT)
			search->label.kind = PYLABEL_NONE;
	}
	scan->count = 0;
}

static const struct pytype *type_of(struct heap_builder *builder, node_id node)
{
	uint32_t type = heap_type_of(builder->graph, node);

	return type ? &builder->python->types->list.items[type - 1] : NULL;
}

static void translate(
	struct heap_builder *builder, const struct pylabel *label, struct heap_label *ret)
{
	*ret = (struct heap_label){.kind = heap_label_kinds[label->kind], .index = label->index};
	switch (label->kind) {
	case PYLABEL_FIELD:
		if (label->text)
			snprintf(ret->text, sizeof(ret->text), "%s", label->text);
		break;
	case PYLABEL_VALUE:
		pytext_key(&builder->context, label->object, ret->text, sizeof(ret->text));
		break;
	case PYLABEL_ATTRIBUTE:
	case PYLABEL_LOCAL:
		pytext_str(&builder->context, label->object, ret->text, sizeof(ret->text));
		break;
	case PYLABEL_SLOT:
		pytext_c_string(&builder->context, label->object, ret->text, sizeof(ret->text));
		break;
	default:
		break;
	}
}

static void label_of(void *context, node_id node, uint32_t edge, struct heap_label *ret)
{
	struct heap_builder *builder = context;
	struct label_search search = {.builder = builder, .wanted = edge};
	struct pyscan *scan = mem_calloc(1, sizeof(*scan));
	struct pylabel *labels = mem_calloc(PYSCAN_BATCH, sizeof(*labels));

	*ret = (struct heap_label){0};
	if (scan && labels) {
		scan->context = &builder->context;
		scan->flush = look_for_edge;
		scan->user = &search;
		scan->labels = labels;
		scan->words_max = builder->words_max;
		if (pyobject_scan_at(scan, address_of(builder, node)))
			pyscan_flush(scan);
		if (search.is_found)
			translate(builder, &search.label, ret);
	}
	mem_free(scan);
	mem_free(labels);
}

static uint64_t length_of(void *context, node_id node)
{
	struct heap_builder *builder = context;

	return pyobject_length(&builder->context, address_of(builder, node));
}

static uint64_t bound_of(void *context, node_id node)
{
	struct heap_builder *builder = context;

	return pyobject_bound(&builder->context, address_of(builder, node));
}

static bool number_of(void *context, node_id node, int64_t *ret)
{
	struct heap_builder *builder = context;

	return pytext_int(&builder->context, address_of(builder, node), ret);
}

static remote_addr pointer_at(struct heap_builder *builder, remote_addr addr)
{
	return addr ? pyreader_pointer(&builder->context.reader, addr) : 0;
}

// The dict of globals, or of a module: where __name__ and __file__ are.
static remote_addr globals_of(
	struct heap_builder *builder, const struct pytype *type, remote_addr addr)
{
	const struct pylayout *layout = builder->python->layout;

	if (type->kind == PYKIND_MODULE)
		return pointer_at(builder, addr + layout->module.md_dict);
	if (strcmp(type->tp_name, "function") == 0)
		return pointer_at(builder, addr + layout->function.func_globals);
	return 0;
}

static void name_function(struct heap_builder *builder, const struct pytype *type, remote_addr addr,
	char *ret, size_t size)
{
	const struct pylayout *layout = builder->python->layout;
	char module[LIMIT_TYPE_NAME] = "", name[LIMIT_TYPE_NAME];
	remote_addr globals = globals_of(builder, type, addr);

	if (globals)
		pytext_str(&builder->context, pydict_find(&builder->context, globals, "__name__"),
			module, sizeof(module));
	pytext_str(&builder->context,
		pointer_at(builder, addr + (pylayout_has(layout->function.func_qualname)
							   ? layout->function.func_qualname
							   : layout->function.func_name)),
		name, sizeof(name));
	snprintf(ret, size, "%s%s%s", module, module[0] ? "." : "", name);
}

// "app.gen" while it has a frame, whose globals know the module; then "gen".
static void name_generator(struct heap_builder *builder, remote_addr addr, char *ret, size_t size)
{
	const struct pylayout *layout = builder->python->layout;
	struct pyframe frame;

	if (pyframe_read_generator(&builder->context, addr, &frame))
		pyframe_function(&builder->context, &frame, ret, size);
	else if (pylayout_has(layout->gen.gi_qualname))
		pytext_str(&builder->context, pointer_at(builder, addr + layout->gen.gi_qualname),
			ret, size);
}

static void name_of(void *context, node_id node, char *ret, size_t size)
{
	struct heap_builder *builder = context;
	const struct pylayout *layout = builder->python->layout;
	const struct pytype *type = type_of(builder, node);
	remote_addr addr = address_of(builder, node);
	struct pyframe frame;

	ret[0] = '\0';
	if (!type || !addr)
		return;
	if (type->kind == PYKIND_TYPE) {
		uint32_t index = pytypes_find(builder->python->types, addr);

		if (index != PYTYPE_NONE)
			snprintf(ret, size, "%s", builder->python->types->list.items[index].name);
	} else if (type->kind == PYKIND_MODULE) {
		if (!pytext_str(&builder->context,
			    pydict_find(
				    &builder->context, globals_of(builder, type, addr), "__name__"),
			    ret, size) &&
			pylayout_has(layout->module.md_name))
			pytext_str(&builder->context,
				pointer_at(builder, addr + layout->module.md_name), ret, size);
	} else if (type->kind == PYKIND_CODE) {
		pytext_str(&builder->context, pycode_name(&builder->context, addr), ret, size);
	} else if (pykind_is_generator(type->kind)) {
		name_generator(builder, addr, ret, size);
	} else if (type->kind == PYKIND_FRAME) {
		if (pyframe_read_object(&builder->context, addr, &frame))
			pyframe_function(&builder->context, &frame, ret, size);
	} else if (strcmp(type->tp_name, "function") == 0) {
		name_function(builder, type, addr, ret, size);
	}
}

static void file_of(void *context, node_id node, char *ret, size_t size)
{
	struct heap_builder *builder = context;
	const struct pylayout *layout = builder->python->layout;
	const struct pytype *type = type_of(builder, node);
	remote_addr addr = address_of(builder, node), code = 0;
	struct pyframe frame;

	ret[0] = '\0';
	if (!type || !addr)
		return;
	if (type->kind == PYKIND_MODULE) {
		pytext_str(&builder->context,
			pydict_find(&builder->context, globals_of(builder, type, addr), "__file__"),
			ret, size);
		return;
	}
	if (type->kind == PYKIND_CODE)
		code = addr;
	else if (pykind_is_generator(type->kind))
		code = pygenerator_code(&builder->context, addr);
	else if (type->kind == PYKIND_FRAME && pyframe_read_object(&builder->context, addr, &frame))
		code = frame.code;
	else if (strcmp(type->tp_name, "function") == 0)
		code = pointer_at(builder, addr + layout->function.func_code);
	if (code)
		pytext_str(&builder->context, pointer_at(builder, code + layout->code.co_filename),
			ret, size);
}

static void free_variable_of(
	void *context, node_id function, uint64_t index, char *ret, size_t size)
{
	struct heap_builder *builder = context;
	const struct pylayout *layout = builder->python->layout;
	remote_addr code =
		pointer_at(builder, address_of(builder, function) + layout->function.func_code);

	ret[0] = '\0';
	if (code)
		pytext_str(&builder->context, pycode_free_name(&builder->context, code, index), ret,
			size);
}

void heap_naming_init(struct heap_builder *builder)
{
	builder->graph->naming = (struct heap_naming){
		.context = builder,
		.address = address_of,
		.node_at = node_at,
		.label = label_of,
		.length = length_of,
		.name = name_of,
		.file = file_of,
		.free_variable = free_variable_of,
		.bound = bound_of,
		.number = number_of,
	};
}
