def f(n):
    if n > 2: n = 2
    else: n = 3
    return n

#: call f(1)
#: steps 2 3 4
#: result 3
#: state 2/1 n = 1; int
#: state 3/1 n = 3; int
#: next 2/1 3
#: next 3/1 4
