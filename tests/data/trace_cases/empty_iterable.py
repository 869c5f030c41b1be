def f(items):
    last = 2
    for last in items:
        last += 4
    while items:
        items = []
    return last

#: call f([])
#: steps 2 3 5 7
#: result 2
#: state 3/1 last = 2; int
#: state 5/1 items = []; list
#: next 3/1 5
#: next 5/1 7
#: next 4/1 -1
#: next 3/2 -1
