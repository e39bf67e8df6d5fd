# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""One of everything: objects of every kind that CPython and its standard library create.

build() returns a dict of name -> objects, which keeps all of them alive. Nothing in it runs or changes
after it was built; threads that it starts are blocked.

What 2.7 and 3 have in common is in common.py, and is written in what both understand; python2.py and
python3.py are what only one of them has, and sinceNN.py what needs the syntax of Python 3.NN.
"""

import gc
import importlib
import sys

#: (module, first version, first version that is without it)
MODULES = [
    ("common", (2, 7), (4,)),
    ("python2", (2, 7), (3,)),
    ("python3", (3, 6), (4,)),
    ("since38", (3, 8), (4,)),
    ("since310", (3, 10), (4,)),
    ("since311", (3, 11), (4,)),
    ("since312", (3, 12), (4,)),
    ("since313", (3, 13), (4,)),
    ("since314", (3, 14), (4,)),
    ("since315", (3, 15), (4,)),
]

#: What is made before the rest is frozen with all that was imported.
LAST_FROZEN = "generators"


def modules():
    return [importlib.import_module(__name__ + "." + name) for name, first, end in MODULES
            if first <= sys.version_info < end]


def frozen():
    """All that the collector knows by now, in a list, and from then on in its permanent generation (3.7).
    gc.get_objects() leaves that out, so that the list is how to come to it."""
    if not hasattr(gc, "freeze"):
        return []
    gc.collect()
    gc.unfreeze()  # immortal containers are there already, in 3.12 and 3.13
    known = gc.get_objects()
    gc.freeze()
    return known


def build(directory):
    """Everything; `directory` is for files, which stay open."""
    zoo = {"directory": directory}
    parts = [part for module in modules() for part in module.PARTS]
    for part in parts:
        zoo[part.__module__ + "." + part.__name__] = (
            part(directory) if part.__code__.co_argcount else part())
        if part.__name__ == LAST_FROZEN and "frozen" not in zoo:
            zoo = dict(zoo, frozen=frozen())
    return zoo


def observe_within(action):
    """Call `action` while a generator runs (3: for a coroutine), and an exception is handled."""
    modules()[1].observe_within(action)
