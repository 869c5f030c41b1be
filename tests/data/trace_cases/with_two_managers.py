class Step:
    def __init__(self, log, name):
        self.log, self.name = log, name

    def __enter__(self):
        self.log.append(self.name)

    def __exit__(self, *details):
        self.log.append(-self.name)


def f(log):
    with Step(log, 1) as one, Step(log, 2):
        log.append(14)
    return log

#: call f([])
#: steps 13 3 6 3 6 14 9 9 15
#: frames 0 1 2 3 4 0 5 6 0
#: result [1, 2, 14, -2, -1]
#: state 13/1 one = None; NoneType
#: state 13/1 log = [1, 2]; list
#: state 14/1 log = [1, 2, 14]; list
#: state 3/2 name = 2; int
#: next 13/1 3
#: next 6/1 3
#: next 6/2 14
#: next 14/1 9
#: next 9/2 15
