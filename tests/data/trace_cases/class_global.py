total = 1


def f(n):
    label = "a"
    class Box:
        global total
        nonlocal label
        total = n
        label = "b"
        size = total + 1
    return total, label, Box.size


#: call f(3)
#: steps 5 6 9 10 11 12
#: frames 0 0 1 1 1 0
#: result (3, 'b', 4)
#: state 9/1 total = 3; int
#: state 9/1 label = 'a'; str
#: state 10/1 label = 'b'; str
#: state 11/1 size = 4; int
#: state 6/1 label = 'b'; str
#: next 6/1 9
#: next 11/1 12
