def f(values):
    total = 2
    for value in values: total += value
    return total

#: call f([3, 4])
#: steps 2 3 3 3 4
#: result 9
#: state 3/1 total = 5; int
#: state 3/2 value = 4; int
#: state 3/3 total = 9; int
#: next 3/1 3
#: next 3/3 4
