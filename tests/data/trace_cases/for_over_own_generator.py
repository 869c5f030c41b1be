def naturals():
    n = 0
    while n < 99:
        n += 1
        yield n


def f(limit):
    for n in naturals():
        if n * n > limit:
            break
    return n

#: call f(3)
#: steps 9 2 3 4 5 10 9 3 4 5 10 11 12
#: frames 0 1 1 1 1 0 0 1 1 1 0 0 0
#: result 2
#: state 9/1 n = 1; int
#: state 5/1 n = 1; int
#: state 4/2 n = 2; int
#: state 9/2 n = 2; int
#: no-state 5/2
#: next 5/1 10
#: next 9/2 3
#: next 5/2 10
#: next 11/1 12
