def f():
    a = [2]
    b = a
    b.append(4)
    c = a[:]
    c.append(6)
    a = [7]
    return a, b, c

#: call f()
#: steps 2 3 4 5 6 7 8
#: result ([7], [2, 4], [2, 4, 6])
#: state 3/1 b = [2]; list
#: state 4/1 a = [2, 4]; list
#: state 6/1 a = [2, 4]; list
#: state 6/1 c = [2, 4, 6]; list
#: state 7/1 a = [7]; list
#: state 7/1 b = [2, 4]; list
#: next 4/1 5
#: next 7/1 8
