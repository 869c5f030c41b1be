class Countdown:
    def __init__(self, start):
        self.left = start

    def __iter__(self):
        return self

    def __next__(self):
        if self.left == 0:
            raise StopIteration
        self.left -= 1
        return self.left


def f(start):
    seen = []
    for left in Countdown(start):
        seen.append(left)
    return seen

#: call f(1)
#: steps 16 17 3 6 9 11 12 18 17 9 10 19
#: frames 0 0 1 2 3 3 3 0 0 4 4 0
#: result [0]
#: state 17/1 left = 0; int
#: state 18/1 seen = [0]; list
#: state 17/2 left = 0; int
#: no-state 10/1
#: next 17/1 3
#: next 6/1 9
#: next 12/1 18
#: next 17/2 9
#: next 10/1 19
