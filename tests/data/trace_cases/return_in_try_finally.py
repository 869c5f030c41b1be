def f(log):
    try:
        log.append(3)
        return len(log)
    finally:
        log.append(6)

#: call f([])
#: steps 3 4 6
#: result 1
#: state 3/1 log = [3]; list
#: state 6/1 log = [3, 6]; list
#: next 3/1 4
#: next 4/1 6
#: next 6/1 -1
#: next 4/2 -1
