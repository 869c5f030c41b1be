def note(log, n):
    if n < 2:
        return
    log.append(4)


def f():
    log = []
    a = note(log, 1)
    b = note(log, 2)
    return a, b, log

#: call f()
#: steps 8 9 2 3 10 2 4 11
#: frames 0 0 1 1 0 2 2 0
#: result (None, None, [4])
#: state 9/1 a = None; NoneType
#: state 10/1 b = None; NoneType
#: state 10/1 log = [4]; list
#: next 3/1 10
#: next 4/1 11
#: next 9/1 2
