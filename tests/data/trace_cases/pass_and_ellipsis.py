def f(n):
    if n > 2:
        pass
    else:
        ...
    for _ in range(2):
        pass
    return n

#: call f(1)
#: steps 2 5 6 7 6 7 6 8
#: result 1
#: state 5/1 n = 1; int
#: state 6/2 _ = 1; int
#: state 7/2 _ = 1; int
#: next 2/1 5
#: next 5/1 6
#: next 7/2 6
#: next 3/1 -1
