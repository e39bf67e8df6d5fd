// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// read_speedscope.js FILE: what speedscope's own importer makes of a file, as JSON:
// {"name", "shown", "profiles": [{"name", "unit", "total", "stacks": [[[frame, …], weight], …]}, …]}.
//
// The package is the app, bundled. It is run here without a browser: up to where it would draw, which needs one, but
// by then its modules are there. They tell their functions to a helper of the bundler, which calls
// Object.defineProperty: there the importer is caught.
"use strict";
const fs = require("fs");
const path = require("path");
const vm = require("vm");

const RELEASE = path.join(path.dirname(require.resolve("speedscope/package.json")), "dist", "release");
const IMPORTER = "importProfileGroupFromText";

function load() {
	const found = {};
	const location = {hash: "", protocol: "file:"};
	const context = vm.createContext({
		found, location, console: {log() {}, warn: console.warn, error: console.error, assert: console.assert},
		TextDecoder, TextEncoder, setTimeout, performance, matchMedia: () => ({matches: false, addListener() {}}),
	});
	vm.runInContext(`{
		const define = Object.defineProperty;
		Object.defineProperty = (it, name, how) => {
			if (name === "${IMPORTER}")
				found.importer = it;
			return define(it, name, how);
		};
		globalThis.window = globalThis.self = globalThis;
	}`, context);
	const name = fs.readdirSync(RELEASE).find(name => /^speedscope-\w+\.js$/.test(name));
	try {
		vm.runInContext(fs.readFileSync(path.join(RELEASE, name), "utf8"), context, {filename: name});
	} catch (error) {
		found.error = error;
	}
	if (!found.importer)
		throw found.error || new Error("there is no importer in the bundle");
	return found.importer;
}

function stacks(profile) {
	const samples = [];
	const stack = [];
	let at = 0;
	const note = value => {
		if (value > at)
			samples.push([[...stack], value - at]);
		at = value;
	};
	profile.forEachCall((node, value) => {
		note(value);
		stack.push(node.frame.name);
	}, (node, value) => {
		note(value);
		stack.pop();
	});
	return samples;
}

async function main(file) {
	const importer = load();
	// Its classes are made a moment later.
	await new Promise(setImmediate);
	const group = await importer[IMPORTER](path.basename(file), fs.readFileSync(file, "utf8"));
	const profiles = group.profiles.map(profile => ({name: profile.getName(), unit: profile.getWeightUnit(),
		total: profile.getTotalWeight(), stacks: stacks(profile)}));
	process.stdout.write(JSON.stringify({name: group.name, shown: group.indexToView, profiles}) + "\n");
}

main(process.argv[2]).catch(error => {
	// Its stack begins with the line of the bundle, which is half a megabyte long.
	process.stderr.write(`${error.name}: ${error.message}\n${error.stack.match(/^    at .*$/gm).join("\n")}\n`);
	process.exitCode = 1;
});
