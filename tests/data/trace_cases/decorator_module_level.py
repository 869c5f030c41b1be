def counted(function):
    calls = 0

    def wrapper(*args):
        nonlocal calls
        calls += 1
        return function(*args) * calls

    return wrapper


@counted
def triple(n):
    return 3 * n


def f(n):
    return triple(n) + triple(n)

#: call f(2)
#: steps 18 6 7 14 6 7 14
#: frames 0 1 1 2 3 3 4
#: result 18
#: state 6/1 calls = 1; int
#: state 6/1 args = (2,); tuple
#: state 6/2 calls = 2; int
#: state 14/2 n = 2; int
#: next 18/1 6
#: next 7/1 14
#: next 14/1 6
#: next 14/2 -1
#: next 12/1 -1
