def f(point):
    total = 2
    match point:
        case (0, y):
            total = y
        case (x, 0):
            total = x
    return total

#: call f((8, 9))
#: steps 2 3 8
#: result 2
#: state 2/1 total = 2; int
#: state 3/1 total = 2; int
#: state 3/1 point = (8, 9); tuple
#: next 3/1 8
#: next 5/1 -1
#: next 6/1 -1
