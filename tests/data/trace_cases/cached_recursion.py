from functools import cache


@cache
def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)


def f(n):
    return fib(n)

#: call f(3)
#: steps 12 6 8 6 8 6 7 6 7
#: frames 0 1 1 2 2 3 3 4 4
#: result 2
#: state 6/1 n = 3; int
#: state 6/4 n = 0; int
#: state 7/1 n = 1; int
#: next 12/1 6
#: next 8/2 6
#: next 7/1 6
#: next 7/2 -1
