def f(n):
    while n > 0:
        n -= 3
    else:
        n = 5
    return n

#: call f(6)
#: steps 2 3 2 3 2 5 6
#: result 5
#: state 3/1 n = 3; int
#: state 3/2 n = 0; int
#: state 2/3 n = 0; int
#: state 5/1 n = 5; int
#: next 3/2 2
#: next 2/3 5
#: next 5/1 6
#: next 2/4 -1
#: next 4/1 -1
