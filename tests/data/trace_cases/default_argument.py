def start():
    return 2


def add(n, by=5, log=[]):
    log.append(n + by)
    return len(log)


def f(n):
    def local(m=start()):
        return m

    return add(n), add(n, 1), local()

#: call f(4)
#: steps 11 2 14 6 7 6 7 12
#: frames 0 1 0 2 2 3 3 4
#: result (1, 2, 2)
#: state 6/1 by = 5; int
#: state 6/1 log = [9]; list
#: state 6/2 log = [9, 5]; list
#: state 12/1 m = 2; int
#: next 11/1 2
#: next 2/1 14
#: next 7/1 6
#: next 7/2 12
