def f(texts):
    log = []
    for text in texts:
        try:
            value = int(text)
        except ValueError:
            log.append(7)
        else:
            log.append(value)
        finally:
            log.append(11)
    return log

#: call f(["9", "x"])
#: steps 2 3 5 9 11 3 5 6 7 11 3 12
#: result [9, 11, 7, 11]
#: state 5/1 value = 9; int
#: state 9/1 log = [9]; list
#: state 11/1 log = [9, 11]; list
#: state 6/1 value = 9; int
#: state 7/1 log = [9, 11, 7]; list
#: no-state 5/2
#: next 5/1 9
#: next 5/2 6
#: next 7/1 11
#: next 11/2 3
#: next 4/1 -1
