def f(n):
    while n > 2: n -= 2
    return n

#: call f(5)
#: steps 2 2 2 3
#: result 1
#: state 2/1 n = 3; int
#: state 2/2 n = 1; int
#: state 2/3 n = 1; int
#: next 2/1 2
#: next 2/3 3
#: next 2/4 -1
