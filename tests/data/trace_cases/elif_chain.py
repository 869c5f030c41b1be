def f(n):
    if n < 2:
        size = 3
    elif n < 4:
        size = 5
    elif n < 6:
        size = 7
    else:
        size = 9
    return size

#: call f(5)
#: steps 2 4 6 7 10
#: result 7
#: state 6/1 n = 5; int
#: state 7/1 size = 7; int
#: next 2/1 4
#: next 4/1 6
#: next 6/1 7
#: next 7/1 10
#: next 9/1 -1
