def adder():
    total = 0
    while True:
        value = yield total
        total += value


def f(values):
    machine = adder()
    next(machine)
    result = [machine.send(value) for value in values]
    return result

#: call f([5, 7])
#: steps 9 10 2 3 4 11 5 3 4 5 3 4 12
#: frames 0 0 1 1 1 0 1 1 1 1 1 1 0
#: result [5, 12]
#: state 4/1 value = 5; int
#: state 5/1 total = 5; int
#: state 4/2 value = 7; int
#: state 5/2 total = 12; int
#: state 11/1 result = [5, 12]; list
#: no-state 4/3
#: next 10/1 2
#: next 4/1 11
#: next 4/2 5
#: next 4/3 12
