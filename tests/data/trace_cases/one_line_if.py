def f(n):
    if n > 2: n = 2
    if n > 2: n = 3
    elif n == 2: n = 4
    else: n = 5
    return n

#: call f(9)
#: steps 2 3 4 6
#: result 4
#: state 2/1 n = 2; int
#: state 3/1 n = 2; int
#: state 4/1 n = 4; int
#: next 3/1 4
#: next 4/1 6
#: next 5/1 -1
