def small(n):
    return n < 3


def f(n):
    match n:
        case int() if small(n):
            n = 8
        case int() if small(n - 7):
            n = 10
    return n

#: call f(9)
#: steps 6 2 2 10 11
#: frames 0 1 2 0 0
#: result 10
#: state 2/1 n = 9; int
#: state 2/2 n = 2; int
#: state 6/1 n = 9; int
#: state 10/1 n = 10; int
#: next 6/1 2
#: next 2/1 2
#: next 2/2 10
#: next 8/1 -1
