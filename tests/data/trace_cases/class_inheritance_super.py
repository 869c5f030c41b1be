class Base:
    def __init__(self, n):
        self.n = n

    def value(self):
        return self.n


class Child(Base):
    def __init__(self, n):
        super().__init__(n + 11)
        self.n += 12

    def value(self):
        inherited = super().value()
        return inherited * 2


def f(n):
    child = Child(n)
    return child.value()

#: call f(1)
#: steps 20 11 3 12 21 15 6 16
#: frames 0 1 2 1 0 3 4 3
#: result 48
#: state 11/1 n = 1; int
#: state 3/1 n = 12; int
#: state 15/1 inherited = 24; int
#: next 11/1 3
#: next 3/1 12
#: next 12/1 21
#: next 6/1 16
