class Depth:
    level = 0

    def __enter__(self):
        self.level += 5
        return self.level

    def __exit__(self, kind, error, trace):
        self.level -= 5
        return False


def f():
    depth = Depth()
    with depth as level:
        level += 16
    return level, depth.level

#: call f()
#: steps 14 15 5 6 16 9 10 17
#: frames 0 0 1 1 0 2 2 0
#: result (21, 0)
#: state 14/1 depth = opaque
#: state 15/1 level = 5; int
#: state 16/1 level = 21; int
#: state 10/1 error = None; NoneType
#: next 15/1 5
#: next 6/1 16
#: next 16/1 9
#: next 10/1 17
#: next 15/2 -1
