class Ignore:
    def __enter__(self):
        return 3

    def __exit__(self, kind, error, trace):
        return kind is ZeroDivisionError


def f(n):
    with Ignore() as m:
        m = 11 // n
        m = 12
    return m

#: call f(0)
#: steps 10 3 11 6 13
#: frames 0 1 0 2 0
#: result 3
#: state 10/1 m = 3; int
#: state 6/1 kind = opaque
#: state 13/1 m = 3; int
#: no-state 11/1
#: next 10/1 3
#: next 11/1 6
#: next 6/1 13
#: next 12/1 -1
