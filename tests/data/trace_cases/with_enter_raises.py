class Door:
    def __enter__(self):
        raise OSError

    def __exit__(self, *details):
        return True


def f(n):
    try:
        with Door():
            n = 12
    except OSError:
        n = 14
    return n

#: call f(1)
#: steps 11 3 13 14 15
#: frames 0 1 0 0 0
#: result 14
#: state 13/1 n = 1; int
#: state 14/1 n = 14; int
#: no-state 11/1
#: no-state 3/1
#: next 11/1 3
#: next 3/1 13
#: next 6/1 -1
