class Box:
    def __init__(self):
        self._size = 3

    @property
    def size(self):
        return self._size

    @size.setter
    def size(self, value):
        self._size = value


def f():
    box = Box()
    box.size += 16
    return box.size

#: call f()
#: steps 15 3 16 7 11 17 7
#: frames 0 1 0 2 3 0 4
#: result 19
#: state 15/1 box = opaque
#: state 11/1 value = 19; int
#: next 15/1 3
#: next 16/1 7
#: next 7/1 11
#: next 11/1 17
#: next 7/2 -1
