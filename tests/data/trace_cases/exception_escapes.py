def check(n):
    if n < 0:
        raise ValueError(n)
    return n


def f(values):
    total = 0
    for value in values:
        total += check(value)
    return total

#: call f([1, -2, 3])
#: steps 8 9 10 2 4 9 10 2 3
#: frames 0 0 0 1 1 0 0 2 2
#: raises ValueError
#: state 10/1 total = 1; int
#: state 9/2 value = -2; int
#: state 2/2 n = -2; int
#: no-state 3/1
#: no-state 10/2
#: next 4/1 9
#: next 10/2 2
#: next 3/1 -1
#: next 11/1 -1
