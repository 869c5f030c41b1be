def f(n):
    pairs = []
    for i in range(n):
        for j in range(n):
            if i == j:
                continue
            pairs.append((i, j))
    return pairs

#: call f(2)
#: steps 2 3 4 5 6 4 5 7 4 3 4 5 7 4 5 6 4 3 8
#: result [(0, 1), (1, 0)]
#: state 4/2 j = 1; int
#: state 4/3 j = 1; int
#: state 4/4 j = 0; int
#: state 3/3 i = 1; int
#: state 7/1 pairs = [(0, 1)]; list
#: next 6/1 4
#: next 4/3 3
#: next 6/2 4
#: next 4/6 3
#: next 3/3 8
