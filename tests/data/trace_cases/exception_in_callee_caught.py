def inner(n):
    return 10 // n


def middle(n):
    m = inner(n)
    return m


def f(n):
    try:
        m = middle(n)
    except ZeroDivisionError:
        m = 14
    return m

#: call f(0)
#: steps 12 6 2 13 14 15
#: frames 0 1 2 0 0 0
#: result 14
#: state 14/1 m = 14; int
#: state 13/1 n = 0; int
#: no-state 12/1
#: no-state 6/1
#: no-state 2/1
#: next 2/1 13
#: next 13/1 14
#: next 7/1 -1
