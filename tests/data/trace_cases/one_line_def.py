def double(n): return 2 * n


def f(n):
    def half(m): return m // 2

    return double(n) + half(n)

#: call f(8)
#: steps 5 7 1 5
#: frames 0 0 1 2
#: result 20
#: state 5/1 half = opaque
#: state 1/1 n = 8; int
#: state 5/2 m = 8; int
#: next 5/1 7
#: next 7/1 1
#: next 1/1 5
#: next 5/2 -1
