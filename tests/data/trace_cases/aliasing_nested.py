def f():
    row = [2]
    grid = [row, row]
    grid[0].append(4)
    grid[1] = grid[1] + [5]
    grid[0] += [6]
    return grid, row

#: call f()
#: steps 2 3 4 5 6 7
#: result ([[2, 4, 6], [2, 4, 5]], [2, 4, 6])
#: state 3/1 grid = [[2], [2]]; list
#: state 4/1 grid = [[2, 4], [2, 4]]; list
#: state 4/1 row = [2, 4]; list
#: state 5/1 grid = [[2, 4], [2, 4, 5]]; list
#: state 6/1 row = [2, 4, 6]; list
#: next 6/1 7
#: next 7/1 -1
