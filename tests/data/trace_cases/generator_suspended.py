def letters():
    yield "a"
    yield "b"
    yield "c"


def f():
    source = letters()
    first = next(source)
    second = next(source)
    return first + second

#: call f()
#: steps 8 9 2 10 3 11
#: frames 0 0 1 0 1 0
#: result 'ab'
#: state 8/1 source = opaque
#: state 9/1 first = 'a'; str
#: state 10/1 second = 'b'; str
#: no-state 3/1
#: next 8/1 9
#: next 2/1 10
#: next 3/1 11
#: next 4/1 -1
