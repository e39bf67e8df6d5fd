#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""The CPython interpreters that tests can start. As a program: a table of them.

Found are those in /usr/bin and /usr/local/bin, pyenv's versions, what tools/get-pythons got
(build-pythons, or SHIKARI_PYTHONS_FOLDER), and paths in SHIKARI_PYTHONS (colon-separated).

    for interpreter in interpreters.find():
        subprocess.Popen(interpreter.command("program.py", "argument"))

One from another suite of Debian has a file system of its own in `root`. Its command gives the process
a mount namespace in which /usr is that of the suite; all else (/tmp, /proc, this tree) is the host's, under
the same paths. The kernel drops the namespace with the process, however that ends, so that nothing is
left. Programs other than Python are missing in it.
"""

import concurrent.futures
import functools
import glob
import json
import os
import re
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
SUITES = os.path.join(HERE, "pythons.txt")
# What the build depends on is there in any case.
MACHINE_VERSION = (3, 11)
PROBE_TIMEOUT_S = 240

# Understood by every version.
PROBE = r"""
import json, os, platform, sys
print(json.dumps({
    "implementation": platform.python_implementation(),
    "version_name": platform.python_version().rstrip("+"),
    "version": list(sys.version_info),
    "hexversion": sys.hexversion,
    "is_64_bit": sys.maxsize > 2 ** 32,
    "is_debug": hasattr(sys, "gettotalrefcount"),
    "is_free_threaded": "t" in getattr(sys, "abiflags", ""),
    "path": os.readlink("/proc/self/exe"),
    "libpython": next((line.split()[-1] for line in open("/proc/self/maps") if "/libpython" in line), None),
}))
"""


class Interpreter:
    """An interpreter, and how to start it.

    name                  "3.14.8 forky static": unique, for people and for test output
    origin                "debian", "local", "pyenv", "extra", or the suite it was got from
    path                  where its process has it
    root                  the folder with the file system it is in, or None: the host's
    version, hexversion   as in its module sys, version a tuple of five
    libpython             the library it is in, where its process has it, or None
    is_free_threaded, is_debug, is_stripped (no symbol table), is_pie
    """

    def __init__(self, path, origin, root=None):
        self.path, self.origin, self.root = path, origin, root
        done = subprocess.run(self.command("-E", "-s", "-c", PROBE), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PROBE_TIMEOUT_S,
                              check=False)
        if done.returncode != 0:
            raise OSError(done.stderr.decode(errors="replace").strip() or f"status {done.returncode}")
        said = json.loads(done.stdout.decode())
        self.is_cpython = said["implementation"] == "CPython" and said["is_64_bit"]
        self.path = said["path"]
        self.version = tuple(said["version"])
        self.hexversion = said["hexversion"]
        self.is_debug = said["is_debug"]
        self.is_free_threaded = said["is_free_threaded"]
        self.libpython = said["libpython"]
        self.is_pie, _ = elf_traits(self.host_path(self.path))
        self.is_stripped = not elf_traits(self.host_path(self.libpython or self.path))[1]
        words = [said["version_name"], origin, "shared" if self.libpython else "static"]
        words += [word for word, is_so in (("pie", self.is_pie and not self.libpython),
                                           ("debug", self.is_debug),
                                           ("free-threaded", self.is_free_threaded)) if is_so]
        self.name = " ".join(words)

    def __repr__(self):
        return f"<{self.name}: {self.host_path(self.path)}>"

    @property
    def is_release(self):
        """An ordinary build: with the GIL, without debugging aids."""
        return not self.is_debug and not self.is_free_threaded

    def host_path(self, path):
        """Where the host has a file of the interpreter's file system."""
        return self.root + path if self.root else path

    def command(self, *arguments):
        """The command line that runs it. The process that is started becomes the interpreter: the PID is
        its. It is killed when the thread that started it ends."""
        killed = ["setpriv", "--pdeathsig=KILL", "--"]
        if not self.root:
            return [*killed, self.path, *arguments]
        # Without root's rights, a user namespace gives them for just this.
        return ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--", *killed,
                "sh", "-c", 'mount --bind "$0" /usr && exec "$@"', self.root + "/usr", self.path, *arguments]


def elf_traits(path):
    """(position-independent?, has a symbol table?)"""
    with open(path, "rb") as file:
        header = file.read(64)
        kind, = struct.unpack_from("<H", header, 16)
        offset, = struct.unpack_from("<Q", header, 40)
        size, count = struct.unpack_from("<HH", header, 58)
        file.seek(offset)
        sections = file.read(size * count)
    types = [struct.unpack_from("<I", sections, i * size + 4)[0] for i in range(count)]
    return kind == 3, 2 in types  # ET_DYN, SHT_SYMTAB


def folder_of_suites():
    return os.environ.get("SHIKARI_PYTHONS_FOLDER") or os.path.join(TOP, "build-pythons")


def candidates():
    """(path, origin, root) of what may be an interpreter."""
    pyenv = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    places = [("/usr/bin", "debian", None), ("/usr/local/bin", "local", None)]
    places += [(path, "pyenv", None)
               for path in sorted(glob.glob(os.path.join(glob.escape(pyenv), "versions", "*", "bin")))]
    places += [("/usr/bin", os.path.basename(root), os.path.realpath(root))
               for root in sorted(glob.glob(os.path.join(glob.escape(folder_of_suites()), "[a-z]*")))]
    for folder, origin, root in places:
        host_folder = (root or "") + folder
        for name in sorted(os.listdir(host_folder)) if os.path.isdir(host_folder) else []:
            if re.fullmatch(r"python\d\.\d+(|d|t|td|-nopie|-dbg|-nogil)", name):
                yield os.path.join(folder, name), origin, root
    for path in filter(None, os.environ.get("SHIKARI_PYTHONS", "").split(":")):
        yield path, "extra", None


def try_candidate(candidate):
    try:
        return Interpreter(*candidate)
    except (OSError, ValueError, struct.error, subprocess.SubprocessError) as error:
        return f"{(candidate[2] or '') + candidate[0]} cannot be used: {error}"


@functools.lru_cache(maxsize=None)
def survey():
    """(interpreters by version, words about each that is there and does not start)."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        outcomes = list(pool.map(try_candidate, dict.fromkeys(candidates())))
    problems = [outcome for outcome in outcomes if isinstance(outcome, str)]
    # Each once, though it may have several names.
    found = {}
    for interpreter in outcomes:
        if not isinstance(interpreter, str) and interpreter.is_cpython:
            found.setdefault(interpreter.host_path(interpreter.path), interpreter)
    names = set()
    for path, interpreter in found.items():
        if interpreter.name in names:
            interpreter.name += " " + path
        names.add(interpreter.name)
    return sorted(found.values(), key=lambda one: (one.hexversion, one.name)), problems


def find(is_release=True):
    """All interpreters, by version: ordinary builds, or (False) debug and free-threaded ones."""
    return [interpreter for interpreter in survey()[0] if interpreter.is_release == is_release]


def required_versions():
    """What every machine with network can have."""
    with open(SUITES, encoding="ascii") as file:
        lines = [line.split("#")[0] for line in file]
    versions = re.findall(r"\bpython(\d)\.(\d+)(?!\S)", "".join(lines))
    return sorted({MACHINE_VERSION, *((int(major), int(minor)) for major, minor in versions)})


def complaint():
    """What is missing to test with, or None: in CI all that can be had; elsewhere, where there may be no
    network, a second version."""
    there = {interpreter.version[:2] for interpreter in find()}
    missing = [version for version in required_versions() if version not in there]
    if not missing or (not os.environ.get("CI") and MACHINE_VERSION in there and len(there) > 1):
        return None
    return "\n".join([f"no CPython {', '.join('%d.%d' % version for version in missing)}: make pythons",
                      *survey()[1]])


def require_versions():
    """Fail, where a test would have too little to run on."""
    if complaint():
        raise AssertionError(complaint())


def chosen():
    """Those that are found, too few being a failure; of TRUTH_VERSIONS ("2.7 3.14"), if that is set."""
    require_versions()
    versions = os.environ.get("TRUTH_VERSIONS", "").split()
    return [one for one in find() if not versions or "%d.%d" % one.version[:2] in versions]


def table():
    rows = [("name", "kind", "symbols", "path")]
    for interpreter in survey()[0]:
        rows.append((interpreter.name, "release" if interpreter.is_release else "refused",
                     "stripped" if interpreter.is_stripped else "full",
                     interpreter.host_path(interpreter.path)))
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join(lines + survey()[1])


if __name__ == "__main__":
    print(table())
    sys.exit(complaint())
