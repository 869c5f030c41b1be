def g(n):
    m = n; n += 1
    return m + n


def f(n):
    a = g(n); b = g(a)
    return a, b

#: call f(1)
#: steps 7 2 3 2 3 8
#: frames 0 1 1 2 2 0
#: result (3, 7)
#: state 2/1 n = 2; int
#: state 2/2 m = 3; int
#: state 7/1 a = 3; int
#: state 7/1 b = 7; int
#: next 7/1 2
#: next 3/1 2
#: next 3/2 8
