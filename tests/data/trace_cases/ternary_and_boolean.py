def big(n):
    return n > 4


def f(n):
    a = 6 if big(n) else 0
    b = big(n) and a or big(0)
    c = n == 5 or big(n)
    return a, b, c

#: call f(5)
#: steps 6 2 7 2 8 9
#: frames 0 1 0 2 0 0
#: result (6, 6, True)
#: state 6/1 a = 6; int
#: state 7/1 b = 6; int
#: state 8/1 c = True; bool
#: next 6/1 2
#: next 2/1 7
#: next 8/1 9
#: next 2/3 -1
