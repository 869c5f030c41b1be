def pair(n):
    yield n
    yield n + 1
    return 4


def chain():
    last = yield from pair(8)
    yield last


def f():
    values = list(chain())
    return values

#: call f()
#: steps 13 8 2 3 4 9 14
#: frames 0 1 2 2 2 1 0
#: result [8, 9, 4]
#: state 2/1 n = 8; int
#: state 8/1 last = 4; int
#: state 9/1 last = 4; int
#: state 13/1 values = [8, 9, 4]; list
#: next 13/1 8
#: next 8/1 2
#: next 2/1 3
#: next 4/1 9
#: next 9/1 14
