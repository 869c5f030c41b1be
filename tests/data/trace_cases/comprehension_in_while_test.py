def f(values):
    rounds = 0
    while any(value > 0 for value in values):
        values = [value - 2 for value in values]
        rounds += 1
    return rounds

#: call f([3, 1])
#: steps 2 3 4 5 3 4 5 3 6
#: result 2
#: state 4/1 values = [1, -1]; list
#: state 4/2 values = [-1, -3]; list
#: state 3/3 rounds = 2; int
#: next 3/1 4
#: next 5/2 3
#: next 3/3 6
