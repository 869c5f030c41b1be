def source():
    yield 2
    raise ValueError


def f():
    value = 7
    try:
        for value in source():
            value += 10
    except ValueError:
        value += 12
    return value

#: call f()
#: steps 7 9 2 10 9 3 11 12 13
#: frames 0 0 1 0 0 1 0 0 0
#: result 24
#: state 9/1 value = 2; int
#: state 10/1 value = 12; int
#: state 12/1 value = 24; int
#: no-state 9/2
#: no-state 3/1
#: next 9/1 2
#: next 9/2 3
#: next 3/1 11
