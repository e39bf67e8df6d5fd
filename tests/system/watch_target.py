# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A process whose containers are changed on command, for test_watch.py; for every CPython from 2.7 on.

Reads commands from standard input, a word each, and answers each with a line of JSON: what it did, in its
own words (lines and stacks are what the interpreter says of itself).
"""

from __future__ import print_function

import collections
import functools
import json
import os
import sys
import threading
import time

items = []
#: Which stacks led to each addition, by the interpreter's own account: [file, line, function], innermost first.
noted = []


def qualified_name(code):
    return getattr(code, "co_qualname", code.co_name)


def note():
    frame = sys._getframe(1)
    stack = []
    while frame:
        stack.append([frame.f_code.co_filename, frame.f_lineno, qualified_name(frame.f_code)])
        frame = frame.f_back
    noted.append(stack)


# Three call sites, in known proportions, in several threads.

def first():
    items.append(1)


def second():
    items.extend([2])


class Third(object):
    def add(self):
        items.insert(0, 3)


PROPORTIONS = [(first, 6), (second, 3), (Third().add, 1)]
ROUNDS, THREADS = 10, 3


def work():
    for _ in range(ROUNDS):
        for function, times in PROPORTIONS:
            for _ in range(times):
                function()
                # Others get their turn between.
                time.sleep(0.0005)


def add_in_threads():
    threads = [threading.Thread(target=work, name="adder %d" % number) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = THREADS * ROUNDS
    return {
        "total": total * sum(times for _, times in PROPORTIONS),
        "sites": [
            [function.__code__.co_firstlineno + 1, qualified_name(function.__code__), total * times]
            for function, times in PROPORTIONS],
        "threads": [thread.name for thread in threads],
    }


# Additions of one line each, which note the stack on the same line.

def plain():
    items.append(0), note()


def deeper(depth):
    if depth:
        return deeper(depth - 1)
    return plain()


def in_a_generator():
    def numbers():
        yield 1
        items.append(0), note()
        yield 2

    return sum(numbers())


def in_nested_generators():
    def inner():
        yield 1
        plain()

    def outer():
        for value in inner():
            yield value

    return list(outer())


def in_a_comprehension():
    return [
        (items.append(number), note())
        for number in range(2)
    ]


def in_a_lambda():
    return (lambda value: (items.append(value), note()))(1)


def below_c_code():
    return sorted([1, 2], key=lambda value: (items.append(value), note()))


class Resource(object):
    def __init__(self):
        plain()

    def __enter__(self):
        plain()

    def __exit__(self, *exception):
        plain()

    @property
    def value(self):
        return plain()

    @staticmethod
    def static():
        plain()

    @classmethod
    def of_class(cls):
        plain()

    def __getattr__(self, name):
        plain()
        raise AttributeError(name)


def in_methods():
    with Resource():
        pass
    Resource().value
    Resource.static()
    Resource.of_class()
    getattr(Resource(), "missing", None)


def decorated(function):
    @functools.wraps(function)
    def wrapper(*arguments):
        return function(*arguments)
    return wrapper


@decorated
def behind_a_decorator():
    plain()


def in_an_exception():
    try:
        raise ValueError()
    except ValueError:
        plain()
    finally:
        items.append(0), note()


def over_several_lines():
    functions = [
        plain,
        lambda:
            plain(),
    ]
    for function in functions:
        function(
        )


# More lines than a byte can count, and more code: what line tables have to say about.
LONG = "def in_long_code():\n" + "    value = 1\n" * 300 + "    plain()\n" + "\n" * 300 + "    plain()\n"
long_names = {"plain": plain}
exec(compile(LONG, os.path.abspath(__file__), "exec"), long_names)
in_long_code = long_names["in_long_code"]


def in_coroutines():
    if sys.version_info >= (3, 6):
        import watch_target_async
        watch_target_async.run(plain)
    else:
        plain()


STACKS = [
    plain, functools.partial(deeper, 30), in_a_generator, in_nested_generators, in_a_comprehension, in_a_lambda,
    below_c_code, in_methods, behind_a_decorator, in_an_exception, over_several_lines, in_long_code, in_coroutines]


def add_everywhere():
    del noted[:]
    for function in STACKS:
        function()
    return {"stacks": list(noted)}


def add_below_many():
    del noted[:]
    deeper(200)
    return {"stacks": list(noted)}


# Requests.

def wsgi_application(environ, start_response):
    plain()


def behind_a_framework(environ):
    def middleware(environ):
        return lambda: (wsgi_application(environ, None), environ)

    return middleware(environ)()


def asgi_application(scope, receive, send):
    plain()


def serve():
    # Not under the name by which it is known: or all below here would be its request.
    variables = {"variable %d" % number: "value" for number in range(40)}
    variables.update(
        REQUEST_METHOD="POST", SCRIPT_NAME="/shop", PATH_INFO="/basket/7", QUERY_STRING="token=secret")
    behind_a_framework(variables)
    asgi_application({"type": "http", "method": "GET", "path": "/items/3", "query_string": b"token=secret"}, 0, 0)
    wsgi_application({"PATH_INFO": "/not/a/request"}, None)
    plain()
    return {"requests": [["POST", "/shop/basket/7"], ["GET", "/items/3"], None, None]}


# Containers of each kind: three additions and a removal.

class Instance(object):
    pass


class Registry(object):
    pass


class Names(list):
    pass


instance = Instance()
instance.__dict__.update({"attribute_%d" % number: None for number in range(40)})
a_list, names = [0], Names([0])
a_bytearray = bytearray(b"x")
a_deque = collections.deque([0])
a_dict, ordered, default = {0: 0}, collections.OrderedDict([(0, 0)]), collections.defaultdict(int, {0: 0})
a_set = {0}
if hasattr(functools, "lru_cache"):
    @functools.lru_cache(maxsize=None)
    def cached(value):
        return value
else:
    cached = collections.OrderedDict([(0, 0)])


def change_items(container):
    for number in range(1, 4):
        container.append(number)
    container.pop()


def change_set():
    for number in range(1, 4):
        a_set.add(number)
    a_set.remove(2)


def change_mapping(mapping):
    for number in range(1, 4):
        mapping[number] = number
    del mapping[2]


def change_attributes(owner):
    for number in range(1, 4):
        setattr(owner, "new_%d" % number, number)
    delattr(owner, "new_2")


def change_globals():
    for number in range(1, 4):
        globals()["new_%d" % number] = number
    del globals()["new_2"]


def change_cache():
    if isinstance(cached, dict):
        change_mapping(cached)
        return
    for number in range(1, 4):
        cached(number)
    cached.cache_clear()


KINDS = [
    [("a_list", functools.partial(change_items, a_list)), ("names", functools.partial(change_items, names)),
     ("a_bytearray", functools.partial(change_items, a_bytearray)),
     ("a_deque", functools.partial(change_items, a_deque))],
    [("a_dict", functools.partial(change_mapping, a_dict)), ("ordered", functools.partial(change_mapping, ordered)),
     ("default", functools.partial(change_mapping, default)), ("a_set", change_set)],
    [("instance", functools.partial(change_attributes, instance)),
     ("Registry", functools.partial(change_attributes, Registry)),
     ("", change_globals), ("cached", change_cache)],
]


def change_kinds(number):
    changes = {}
    for name, change in KINDS[number]:
        change()
        changes[name] = [1, 1, 1, -3 if name == "cached" and not isinstance(cached, dict) else -1]
    return {"changes": changes}


def list_kinds(number):
    if not isinstance(cached, dict):
        cached.cache_clear()
    return {"names": [name for name, _ in KINDS[number]]}


COMMANDS = {
    "threads": add_in_threads,
    "stacks": add_everywhere,
    "many": add_below_many,
    "requests": serve,
    "sort": lambda: {"sorted": items.sort()},
}
for _number in range(len(KINDS)):
    COMMANDS["names%d" % _number] = functools.partial(list_kinds, _number)
    COMMANDS["kinds%d" % _number] = functools.partial(change_kinds, _number)


def main():
    print(json.dumps({"pid": os.getpid()}))
    sys.stdout.flush()
    for command in iter(sys.stdin.readline, ""):
        print(json.dumps(COMMANDS[command.strip()]()))
        sys.stdout.flush()


if __name__ == "__main__":
    # Under its own name and not as __main__, as a service's modules have one.
    import watch_target

    watch_target.main()
