# Each way in which a function of Python comes to be called, again and again: by itself, by a generator, out of C (sorted,
# reduce, re), by classes, while an exception flies, out of made code, in comprehensions, by asyncio, in threads old and
# new, in a child. Nearly all time is in `burn`.
import asyncio
import functools
import hashlib
import os
import re
import threading
import zlib


def burn():
    total = 0
    for i in range(4000):
        total = total * 31 + i & 0xFFFF
    return total


def recursion(depth):
    return burn() + 1 if depth <= 1 else recursion(depth - 1) + 1


def use_recursion():
    return recursion(5)


def generator():
    for _ in range(3):
        yield burn()


def use_generator():
    return sum(generator())


def key(number):
    return burn() + number


def use_sorted():
    return sorted([3, 1, 2], key=key)


def use_reduce():
    return functools.reduce(lambda one, other: burn() + one + other, [1, 2, 3])


class Shape:
    def __init__(self):
        self.area = burn()

    def method(self):
        return burn()

    @classmethod
    def make(cls):
        return burn()

    @property
    def size(self):
        return burn()


def use_class():
    shape = Shape()
    return shape.method() + Shape.make() + shape.size


def raiser():
    try:
        burn()
        raise ValueError('x')
    finally:
        burn()


def use_exception():
    try:
        raiser()
    except ValueError:
        return burn()


MADE = compile('def inner():\n    return burn()\nvalue = inner()\n', '<made>', 'exec')


def use_exec():
    exec(MADE, globals())


def use_comprehension():
    return [[burn() for _ in range(2)] for _ in range(2)]


DATA = bytes(range(256)) * 400


def use_c():
    return len(zlib.compress(DATA, 6)) + len(hashlib.sha256(DATA * 4).digest())


def replace(match):
    burn()
    return 'y'


def use_re():
    return re.sub('x', replace, 'axbxc')


async def task():
    await asyncio.sleep(0)
    return burn()


async def tasks():
    return await asyncio.gather(task(), task())


loop = asyncio.new_event_loop()


def use_asyncio():
    loop.run_until_complete(tasks())


def in_thread():
    while True:
        burn()


def in_late_thread():
    for _ in range(40):
        burn()


def in_child(parent):
    while os.getppid() == parent:
        burn()


SHAPES = [use_recursion, use_generator, use_sorted, use_reduce, use_class, use_exception, use_exec]
SHAPES += [use_comprehension, use_c, use_re, use_asyncio]
parent = os.getpid()
if os.fork() == 0:
    in_child(parent)
    os._exit(0)
threading.Thread(target=in_thread, daemon=True).start()
use_asyncio()
print('ready', flush=True)
while True:
    for shape in SHAPES:
        for _ in range(4):
            shape()
    late = threading.Thread(target=in_late_thread)
    late.start()
    late.join()
