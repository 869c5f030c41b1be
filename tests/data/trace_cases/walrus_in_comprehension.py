def f(values):
    kept = [last := value for value in values if value % 2]
    return kept, last

#: call f([5, 6, 7, 8])
#: steps 2 3
#: result ([5, 7], 7)
#: state 2/1 kept = [5, 7]; list
#: state 2/1 last = 7; int
#: next 2/1 3
#: next 3/1 -1
