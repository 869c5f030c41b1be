def f(n):
    while n:
        n -= 1
        if n == 1:
            break
    else:
        n = 7
    return n

#: call f(3)
#: steps 2 3 4 2 3 4 5 8
#: result 1
#: state 3/1 n = 2; int
#: state 2/2 n = 2; int
#: state 8/1 n = 1; int
#: next 4/1 2
#: next 4/2 5
#: next 5/1 8
#: next 7/1 -1
