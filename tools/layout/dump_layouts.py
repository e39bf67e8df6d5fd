#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Read the struct layouts that shikari wants from interpreters, for import_layouts.py.

    dump_layouts.py --out LAYOUTS.json LABEL=PLACE[,PLACE...]...

LABEL begins with the version: 3.13.0, 3.13.5-debian. A PLACE is
  - a file with debug information (DWARF): libpython, a static python, an extension module, *.debug;
  - a prefix (with bin/ and lib/pythonX.Y): all of these that are in it;
  - a folder with Python.h: a probe is compiled with the headers. They do not have the structs that are
    in .c files, and say what pyconfig.h says, so that what else the build defined goes into --define.
Of several places, the first that has a struct is believed. With --debug-dir, debug information that a
distribution ships apart is found by build id. What LAYOUTS.json has already of other labels stays.

gdb reads the debug information: it knows all versions of DWARF, follows links to separate files, and is
in every distribution. Nothing of the interpreters is run.
"""
import argparse
import json
import pathlib
import shlex
import subprocess
import sys
import tempfile

import layout_fields

HERE = pathlib.Path(__file__).resolve().parent
GDB_TIMEOUT_S = 600

#: What a struct is called besides the name that src/cpython/pylayout.h and owned-fields.txt have for it.
OTHER_NAMES = {
    "_PyTupleIterObject": ["tupleiterobject"],  # to 3.11
    "_listiterobject": ["_PyListIterObject", "listiterobject"],
    "_dictviewobject": ["_PyDictViewObject", "dictviewobject"],
    "islice": ["isliceobject"],
    "mappingproxyobject": ["proxyobject"],  # 2.7
    "_PyCFrame": ["CFrame"],  # 3.10
    "_PyInterpreterFrame": ["InterpreterFrame"],
    "unionobject": ["_Py_unionobject"],
    "evaluatorobject": ["constevaluatorobject"],
}


class Trouble(Exception):
    pass


def wanted_structs():
    """{struct: [its wanted fields]}"""
    wanted = {}
    for entry in sorted(layout_fields.wanted_entries()):
        struct, _, field = entry.partition(".")
        wanted.setdefault(struct, [])
        if field:
            wanted[struct].append(field)
    return wanted


def files_of_prefix(prefix):
    """The interpreter first, then extension modules but for those of CPython's own tests."""
    library = [path for path in sorted(prefix.glob("lib/libpython[0-9].*.so*")) if not path.is_symlink()]
    program = [path for path in sorted(prefix.glob("bin/python[0-9].[0-9]*"))
               if path.suffix[1:].isdigit() and not path.is_symlink()]
    modules = [path for path in sorted(prefix.glob("lib/python[0-9].*/lib-dynload/*.so"))
               if not path.name.startswith(("_test", "xx"))]
    return library + program + modules


def compile_probe(include, defines, folder):
    """An object file whose debug information has all types of the headers."""
    probe = pathlib.Path(folder) / "probe.o"
    # Behind the machine's own headers is what a distribution has one level up: pyconfig.h by machine.
    command = ["cc", "-c", "-g", "-w", "-std=gnu11", "-fno-eliminate-unused-debug-types",
               *(f"-D{define}" for define in defines), f"-I{include}", f"-I{include / 'internal'}",
               f"-I{include / 'internal/mimalloc'}", "-idirafter", include.parent,
               HERE / "headers_probe.c", "-o", probe]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Trouble(f"{include}: the probe does not compile:\n{done.stderr}")
    return probe


def files_of(place, defines, folder):
    if (place / "Python.h").exists():
        return [compile_probe(place, defines, folder)]
    if place.is_dir():
        return files_of_prefix(place)
    return [place] if place.exists() else []


def ask_gdb(files, wanted, debug_folders, folder):
    """{struct: {"size", "fields", "file"}}"""
    request, answer = pathlib.Path(folder) / "request", pathlib.Path(folder) / "answer"
    request.write_text(json.dumps({
        "files": [str(path) for path in files], "wanted": wanted,
        "names": {struct: [struct, *OTHER_NAMES.get(struct, [])] for struct in wanted}}), encoding="utf-8")
    command = ["gdb", "-nx", "-q", "-batch", "-iex", "set auto-load off", "-iex", "set debuginfod enabled off"]
    if debug_folders:
        command += ["-iex", "set debug-file-directory " + ":".join(map(str, debug_folders))]
    command += ["-x", HERE / "gdb_structs.py", "-ex", f"python answer({str(request)!r}, {str(answer)!r})"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=GDB_TIMEOUT_S, check=False)
    if not answer.exists():
        raise Trouble(f"{shlex.join(map(str, command))}:\n{done.stdout}{done.stderr}")
    return json.loads(answer.read_text(encoding="utf-8"))


def dump(places, defines=(), debug_folders=()):
    """The layout that some places have together, and how many files were looked at."""
    with tempfile.TemporaryDirectory(prefix="layouts-") as folder:
        files = [path for place in places for path in files_of(place, defines, folder)]
        if not files:
            raise Trouble(f"{', '.join(map(str, places))}: nothing to read")
        found = ask_gdb(files, wanted_structs(), debug_folders, folder)
    if not found:
        raise Trouble(f"{files[0]}: no debug information")
    return {struct: {"size": what["size"], "fields": what["fields"]}
            for struct, what in sorted(found.items())}, len(files)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("label", nargs="+", metavar="LABEL=PLACE[,PLACE...]")
    parser.add_argument("--out", required=True, type=pathlib.Path, metavar="LAYOUTS.json")
    parser.add_argument("--debug-dir", action="append", default=[], type=pathlib.Path,
                        help="such as /usr/lib/debug")
    parser.add_argument("--define", action="append", default=[], metavar="NAME[=VALUE]",
                        help="for the probe: what the build's compiler was given with -D")
    arguments = parser.parse_args()
    layouts = json.loads(arguments.out.read_text())["layouts"] if arguments.out.exists() else {}
    try:
        for word in arguments.label:
            label, equals, places = word.partition("=")
            if not equals or not layout_fields.version_of_label(label):
                raise Trouble(f"{word}: LABEL=PLACE is expected, with a version such as 3.13.0 in front")
            layouts[label], files = dump([pathlib.Path(place).expanduser() for place in places.split(",")],
                                         arguments.define, arguments.debug_dir)
            print(f"{label}: {sum(len(what['fields']) for what in layouts[label].values())} fields of "
                  f"{len(layouts[label])} structs, from {files} files")
    except (Trouble, OSError, subprocess.SubprocessError) as trouble:
        sys.exit(f"dump_layouts: {trouble}")
    arguments.out.write_text(json.dumps({"layouts": layouts}, indent=0) + "\n")


if __name__ == "__main__":
    main()
