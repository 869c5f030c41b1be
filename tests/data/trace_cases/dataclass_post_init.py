from dataclasses import dataclass, field


def zero():
    return 5


@dataclass
class Point:
    x: int
    y: int = field(default_factory=zero)

    def __post_init__(self):
        self.x += self.y


def f(x):
    point = Point(x)
    return point.x

#: call f(1)
#: steps 18 5 14 19
#: frames 0 1 2 0
#: result 6
#: state 18/1 point = opaque
#: state 14/1 self = opaque
#: state 19/1 x = 1; int
#: next 18/1 5
#: next 5/1 14
#: next 14/1 19
#: next 10/1 -1
