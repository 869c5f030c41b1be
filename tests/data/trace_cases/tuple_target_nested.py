def f(pairs):
    index = 0
    slots = [0, 0, 0]
    for index, slots[index] in pairs:
        pass
    (low, (mid, high)), *rest = [(1, (2, 3)), 4, 5]
    return slots, index, low + mid + high, rest

#: call f([(1, 8), (2, 9)])
#: steps 2 3 4 5 4 5 4 6 7
#: result ([0, 8, 9], 2, 6, [4, 5])
#: state 4/1 index = 1; int
#: state 4/1 slots = [0, 8, 0]; list
#: state 4/2 slots = [0, 8, 9]; list
#: state 6/1 high = 3; int
#: state 6/1 rest = [4, 5]; list
#: next 5/2 4
#: next 4/3 6
