def area(shape):
    match shape:
        case ("square", side) if side > 4:
            return 4
        case ("square", side):
            return side * side
        case (_, width, *rest):
            return width * len(rest)

#: call area(("square", 3))
#: steps 2 6
#: result 9
#: state 2/1 side = 3; int
#: state 2/1 shape = ('square', 3); tuple
#: state 6/1 side = 3; int
#: next 2/1 6
#: next 6/1 -1
#: next 3/1 -1
