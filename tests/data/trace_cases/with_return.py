class Guard:
    def __enter__(self):
        self.log = [3]
        return self.log

    def __exit__(self, *details):
        self.log.append(7)


def f(n):
    with Guard() as log:
        return log, n

#: call f(12)
#: steps 11 3 4 12 7
#: frames 0 1 1 0 2
#: result ([3, 7], 12)
#: state 11/1 log = [3]; list
#: state 7/1 details = (None, None, None); tuple
#: next 4/1 12
#: next 12/1 7
#: next 7/1 -1
