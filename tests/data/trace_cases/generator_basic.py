def count(n):
    while n > 0:
        yield n
        n -= 1


def f(n):
    total = 0
    for value in count(n):
        total += value
    return total

#: call f(2)
#: steps 8 9 2 3 10 9 4 2 3 10 9 4 2 11
#: frames 0 0 1 1 0 0 1 1 1 0 0 1 1 0
#: result 3
#: state 9/1 value = 2; int
#: state 3/1 n = 2; int
#: state 4/1 n = 1; int
#: state 9/2 value = 1; int
#: state 9/3 value = 1; int
#: state 10/2 total = 3; int
#: next 9/1 2
#: next 3/1 10
#: next 9/2 4
#: next 2/3 11
#: next 10/2 9
