def f(n):
    n += 2
    n *= 3
    items = [n]
    items += [5]
    items[0] -= 6
    other = items
    other *= 2
    return items

#: call f(1)
#: steps 2 3 4 5 6 7 8 9
#: result [3, 5, 3, 5]
#: state 2/1 n = 3; int
#: state 3/1 n = 9; int
#: state 5/1 items = [9, 5]; list
#: state 6/1 items = [3, 5]; list
#: state 8/1 items = [3, 5, 3, 5]; list
#: next 2/1 3
#: next 8/1 9
