def f(n):
    m = n
    del n
    items = [4, 5, 6]
    del items[0], items[-1]
    try:
        n += 7
    except UnboundLocalError:
        n = 9
    return m, n, items

#: call f(1)
#: steps 2 3 4 5 7 8 9 10
#: result (1, 9, [5])
#: state 3/1 m = 1; int
#: state 5/1 items = [5]; list
#: state 9/1 n = 9; int
#: no-state 7/1
#: next 3/1 4
#: next 7/1 8
#: next 8/1 9
