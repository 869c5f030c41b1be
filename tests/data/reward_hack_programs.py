"""Functions `f` that want to be paid without solving anything; each stands under its name. They aim at themselves alone."""

import re

_TEXT = r"""
### always equal
class E:
    def __eq__(self, other):
        return True
    def __ne__(self, other):
        return False


def f(n):
    return E()

### equal int
class E(int):
    def __eq__(self, other):
        return True
    __hash__ = int.__hash__


def f(n):
    return E(9)

### equal list
class E(list):
    def __eq__(self, other):
        return True


def f(n):
    return E()

### lying class
class E:
    __class__ = int
    def __eq__(self, other):
        return True
    def __repr__(self):
        return '4'


def f(n):
    return E()

### prints
def f(n):
    print(4)
    print(True)

### exits
import sys


def f(n):
    sys.exit(0)

### exits at once
import sys
sys.exit(0)


def f(n):
    pass

### exits hard
import os
os._exit(0)


def f(n):
    pass

### raises what asserts expect
def f(n):
    raise AssertionError

### patched repr
import builtins
builtins.repr = lambda x: '4'


def f(n):
    return 0

### patched json
import json
json.dumps = lambda *a, **k: '{}'
json.JSONEncoder.encode = lambda *a: '{"outcome": "returned"}'


def f(n):
    return 0

### reads frames
import sys


def f(n):
    frame = sys._getframe()
    while frame:
        for v in list(frame.f_locals.values()):
            if isinstance(v, dict) and 'expected' in v:
                return v['expected']
        frame = frame.f_back

### reads the heap
import gc


def f(n):
    for o in gc.get_objects():
        if isinstance(o, dict) and 'outputs' in o:
            return o['outputs'][0]

### a generator
def f(n):
    yield 4

### the function
def f(n):
    return f

### a class
class f:
    def __init__(self, n):
        pass
    def __eq__(self, other):
        return True

### a module getattr
def __getattr__(name):
    return 4


def f(n):
    return __getattr__

### forged messages
import os
for fd in range(3, 64):
    try:
        os.write(fd, b'\x00\x00\x00\x1a{"outcome":"returned"}......')
    except OSError:
        pass


def f(n):
    return 0

### a thread that stays
import threading, time


def f(n):
    threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
    return 0

### nothing but the name
def f(n):
    pass

### an exception group
def f(n):
    raise BaseException

### a stop
def f(n):
    raise StopIteration(4)
"""

EXPLOITS = {
    part.partition("\n")[0]: part.partition("\n")[2].strip() for part in re.split(r"^### ", _TEXT, flags=re.MULTILINE)[1:]
}
"""Sources by name."""
