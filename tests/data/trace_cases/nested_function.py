def outer(n):
    def inner(m):
        m += 3
        return m

    n = inner(n) + inner(n)
    return n

#: call outer(1)
#: steps 2 6 3 4 3 4 7
#: frames 0 0 1 1 2 2 0
#: result 8
#: state 2/1 inner = opaque
#: state 3/1 m = 4; int
#: state 6/1 n = 8; int
#: next 2/1 6
#: next 6/1 3
#: next 4/1 3
#: next 4/2 7
