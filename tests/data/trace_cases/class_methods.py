class Counter:
    step = 2

    def __init__(self, start):
        self.count = start

    def up(self):
        self.count += self.step
        return self

    @classmethod
    def default(cls):
        return cls(13)

    @staticmethod
    def twice(n):
        return 2 * n


def f():
    counter = Counter.default()
    counter.up().up()
    return Counter.twice(counter.count)

#: call f()
#: steps 21 13 5 22 8 9 8 9 23 17
#: frames 0 1 2 0 3 3 4 4 0 5
#: result 34
#: state 21/1 counter = opaque
#: state 13/1 cls = opaque
#: state 5/1 start = 13; int
#: state 17/1 n = 17; int
#: next 21/1 13
#: next 13/1 5
#: next 5/1 22
#: next 9/1 8
#: next 9/2 23
