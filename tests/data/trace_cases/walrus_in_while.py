def f(values):
    total = 0
    while (value := values.pop()) != 3:
        total += value
    return total

#: call f([9, 3, 5, 7])
#: steps 2 3 4 3 4 3 5
#: result 12
#: state 3/1 value = 7; int
#: state 3/2 value = 5; int
#: state 3/3 value = 3; int
#: state 3/3 values = [9]; list
#: state 4/2 total = 12; int
#: next 3/1 4
#: next 3/3 5
