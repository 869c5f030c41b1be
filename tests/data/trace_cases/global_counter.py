calls = 0


def tick():
    global calls
    calls += 1
    return calls


def f(n):
    for _ in range(n):
        last = tick()
    return last * calls

#: call f(2)
#: steps 11 12 6 7 11 12 6 7 11 13
#: frames 0 0 1 1 0 0 2 2 0 0
#: result 4
#: state 12/1 last = 1; int
#: state 12/2 last = 2; int
#: state 11/3 _ = 1; int
#: next 12/1 6
#: next 7/1 11
#: next 11/3 13
#: next 5/1 -1
#: next 1/1 -1
