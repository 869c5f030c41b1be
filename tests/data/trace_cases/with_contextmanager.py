from contextlib import contextmanager


@contextmanager
def logged(log):
    log.append(6)
    yield len(log)
    log.append(8)


def f(log):
    with logged(log) as size:
        log.append(13)
    return log, size

#: call f([])
#: steps 12 6 7 13 8 14
#: frames 0 1 1 0 1 0
#: result ([6, 13, 8], 1)
#: state 12/1 size = 1; int
#: state 13/1 log = [6, 13]; list
#: state 7/1 log = [6, 13]; list
#: state 8/1 log = [6, 13, 8]; list
#: next 12/1 6
#: next 7/1 13
#: next 13/1 8
#: next 8/1 14
