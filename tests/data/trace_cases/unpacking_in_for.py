def f(table):
    total = 0
    for key, (low, *high) in table.items():
        total += low * len(high)
    return total, key

#: call f({"a": [3, 1, 1], "b": [5]})
#: steps 2 3 4 3 4 3 5
#: result (6, 'b')
#: state 3/1 high = [1, 1]; list
#: state 3/2 high = []; list
#: state 3/2 key = 'b'; str
#: state 3/3 low = 5; int
#: state 4/1 total = 6; int
#: next 3/1 4
#: next 3/3 5
