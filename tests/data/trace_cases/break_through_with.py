class Guard:
    def __init__(self, log):
        self.log = log

    def __enter__(self):
        return self.log

    def __exit__(self, kind, error, trace):
        self.log.append(9)


def f(items):
    log = []
    for item in items:
        with Guard(log) as inner:
            if item == 2:
                break
            inner.append(item)
    return log

#: call f([1, 2, 3])
#: steps 13 14 15 3 6 16 18 9 14 15 3 6 16 17 9 19
#: frames 0 0 0 1 2 0 0 3 0 0 4 5 0 0 6 0
#: result [1, 9, 9]
#: state 15/1 inner = []; list
#: state 18/1 log = [1]; list
#: state 15/2 inner = [1, 9]; list
#: state 19/1 log = [1, 9, 9]; list
#: state 9/1 self = opaque
#: state 9/2 kind = None; NoneType
#: next 15/1 3
#: next 18/1 9
#: next 9/1 14
#: next 17/1 9
#: next 9/2 19
