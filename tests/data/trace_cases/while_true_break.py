def f(n):
    while True:
        n -= 3
        if n < 0:
            break
    return n

#: call f(5)
#: steps 2 3 4 2 3 4 5 6
#: result -1
#: state 2/1 n = 5; int
#: state 3/1 n = 2; int
#: state 2/2 n = 2; int
#: state 3/2 n = -1; int
#: next 4/1 2
#: next 2/2 3
#: next 5/1 6
#: next 2/3 -1
