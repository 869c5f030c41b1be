def source():
    try:
        yield 3
    except ValueError:
        yield 5
    yield 6


def f():
    items = source()
    a = next(items)
    b = items.throw(ValueError)
    c = next(items)
    return a, b, c

#: call f()
#: steps 10 11 3 12 4 5 13 6 14
#: frames 0 0 1 0 1 1 0 1 0
#: result (3, 5, 6)
#: state 11/1 a = 3; int
#: state 12/1 b = 5; int
#: state 13/1 c = 6; int
#: no-state 3/1
#: no-state 6/1
#: next 3/1 12
#: next 12/1 4
#: next 5/1 13
#: next 13/1 6
#: next 6/1 14
