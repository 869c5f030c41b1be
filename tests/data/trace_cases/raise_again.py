def inner(log):
    try:
        return log[3]
    except LookupError:
        log.append(5)
        raise
    finally:
        log.append(8)


def f(log):
    try:
        inner(log)
    except KeyError:
        log.append(15)
    except IndexError:
        log.append(17)
    return log

#: call f([])
#: steps 13 3 4 5 6 8 14 16 17 18
#: frames 0 1 1 1 1 1 0 0 0 0
#: result [5, 8, 17]
#: state 5/1 log = [5]; list
#: state 8/1 log = [5, 8]; list
#: state 17/1 log = [5, 8, 17]; list
#: no-state 3/1
#: no-state 6/1
#: no-state 13/1
#: next 6/1 8
#: next 8/1 14
#: next 14/1 16
#: next 15/1 -1
