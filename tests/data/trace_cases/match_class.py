class Point:
    __match_args__ = ("x", "y")

    def __init__(self, x, y):
        self.x = x
        self.y = y


def where(x, y):
    match Point(x, y):
        case Point(0, 0):
            return "origin"
        case Point(x=0, y=height) | Point(x=height, y=0):
            return height
        case {"x": _}:
            return "mapping"
    return "plane"

#: call where(0, 7)
#: steps 10 5 6 14
#: frames 0 1 1 0
#: result 7
#: state 10/1 height = 7; int
#: state 5/1 self = opaque
#: state 6/1 y = 7; int
#: next 10/1 5
#: next 6/1 14
#: next 14/1 -1
#: next 17/1 -1
