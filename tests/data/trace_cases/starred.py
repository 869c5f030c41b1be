def f(values):
    first, *middle, last = values
    *start, _ = middle
    again = [*start, last, *values[:1]]
    return first, middle, again

#: call f((1, 2, 3, 4))
#: steps 2 3 4 5
#: result (1, [2, 3], [2, 4, 1])
#: state 2/1 middle = [2, 3]; list
#: state 2/1 last = 4; int
#: state 3/1 start = [2]; list
#: state 3/1 _ = 3; int
#: state 4/1 again = [2, 4, 1]; list
#: next 2/1 3
#: next 5/1 -1
