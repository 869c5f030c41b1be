def add(a, b):
    c = a + b
    return c


def f(n):
    m = add(add(n, 1), add(n, 2)) * 2
    return m

#: call f(3)
#: steps 7 2 3 2 3 2 3 8
#: frames 0 1 1 2 2 3 3 0
#: result 18
#: state 2/1 c = 4; int
#: state 2/2 c = 5; int
#: state 2/3 c = 9; int
#: state 7/1 m = 18; int
#: next 7/1 2
#: next 3/1 2
#: next 3/2 2
#: next 3/3 8
