// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// read_heapsnapshot.js FILE: what memlab makes of a heap snapshot, a line of JSON per node, in the order of
// the file: {"id", "type", "name", "size", "retained", "retainers": [[id, type, name or index], …]}.
"use strict";
const {TraceFinder, config, utils} = require("@memlab/core");

async function main(path) {
	config.muteConsole = true;
	const heap = await utils.getSnapshotFromFile(path, {buildNodeIdIndex: true});
	new TraceFinder().calculateAllNodesRetainedSizes(heap);
	const lines = [];
	heap.nodes.forEach(node => {
		const retainers = [];
		node.forEachReferrer(edge => {
			retainers.push([edge.fromNode.id, edge.type, edge.name_or_index]);
		});
		lines.push(JSON.stringify({id: node.id, type: node.type, name: node.name, size: node.self_size,
			retained: node.retainedSize, retainers}));
	});
	process.stdout.write(lines.join("\n") + "\n");
}

main(process.argv[2]);
