def inner(log):
    try:
        log.append(3)
        log.pop(9)
        log.append(5)
    finally:
        log.append(7)
    log.append(8)


def f():
    log = []
    try:
        inner(log)
    except IndexError:
        log.append(16)
    return log

#: call f()
#: steps 12 14 3 4 7 15 16 17
#: frames 0 0 1 1 1 0 0 0
#: result [3, 7, 16]
#: state 3/1 log = [3]; list
#: state 7/1 log = [3, 7]; list
#: state 15/1 log = [3, 7]; list
#: state 16/1 log = [3, 7, 16]; list
#: no-state 4/1
#: no-state 14/1
#: next 4/1 7
#: next 7/1 15
#: next 5/1 -1
#: next 8/1 -1
