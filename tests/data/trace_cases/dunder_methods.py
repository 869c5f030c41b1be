class Money:
    def __init__(self, cents):
        self.cents = cents

    def __add__(self, other):
        return Money(self.cents + other.cents)

    def __lt__(self, other):
        return self.cents < other.cents

    def __len__(self):
        return self.cents

    def __getitem__(self, index):
        return self.cents * index


def f(a, b):
    total = Money(a) + Money(b)
    if Money(b) < total:
        a = total[2]
    return a, len(total)

#: call f(3, 4)
#: steps 19 3 3 6 3 20 3 9 21 15 22 12
#: frames 0 1 2 3 4 0 5 6 0 7 0 8
#: result (14, 7)
#: state 3/1 cents = 3; int
#: state 3/3 cents = 7; int
#: state 19/1 total = opaque
#: state 15/1 index = 2; int
#: state 21/1 a = 14; int
#: next 19/1 3
#: next 3/2 6
#: next 3/3 20
#: next 9/1 21
#: next 12/1 -1
