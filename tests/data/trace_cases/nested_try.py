def f(n):
    try:
        try:
            n = 4 // n
        except KeyError:
            n = 6
        n = 7
    except ZeroDivisionError:
        n += 9
    return n

#: call f(0)
#: steps 4 5 8 9 10
#: result 9
#: state 8/1 n = 0; int
#: state 9/1 n = 9; int
#: no-state 4/1
#: next 4/1 5
#: next 5/1 8
#: next 7/1 -1
