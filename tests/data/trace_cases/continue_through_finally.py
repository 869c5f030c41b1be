def f(n):
    total = 0
    while n > 0:
        n -= 1
        try:
            if n == 1:
                continue
            total += 8
        finally:
            total += 10
    return total

#: call f(3)
#: steps 2 3 4 6 8 10 3 4 6 7 10 3 4 6 8 10 3 11
#: result 46
#: state 8/1 total = 8; int
#: state 10/1 total = 18; int
#: state 10/2 total = 28; int
#: state 8/2 total = 36; int
#: state 4/3 n = 0; int
#: next 6/2 7
#: next 7/1 10
#: next 10/2 3
#: next 10/3 3
#: next 3/4 11
