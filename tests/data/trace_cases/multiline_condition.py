def check(n):
    return n > 2


def f(n):
    if (
        check(n)
        and check(n - 1)
        and check(n - 2)
    ):
        n = 11
    while (
        n
        > 5
    ):
        n -= 3
    return n

#: call f(9)
#: steps 6 2 2 2 11 12 16 12 16 12 17
#: frames 0 1 2 3 0 0 0 0 0 0 0
#: result 5
#: state 6/1 n = 9; int
#: state 2/3 n = 7; int
#: state 16/1 n = 8; int
#: state 12/3 n = 5; int
#: next 6/1 2
#: next 2/1 2
#: next 2/3 11
#: next 12/3 17
#: next 8/1 -1
