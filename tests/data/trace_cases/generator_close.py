def source(log):
    try:
        yield 3
        yield 4
    finally:
        log.append(6)


def f():
    log = []
    items = source(log)
    log.append(next(items))
    items.close()
    return log

#: call f()
#: steps 10 11 12 3 13 6 14
#: frames 0 0 0 1 0 1 0
#: result [3, 6]
#: state 11/1 items = opaque
#: state 12/1 log = [3]; list
#: state 6/1 log = [3, 6]; list
#: no-state 3/1
#: next 3/1 13
#: next 13/1 6
#: next 6/1 14
#: next 4/1 -1
