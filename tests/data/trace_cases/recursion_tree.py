def walk(tree, depth):
    total = depth
    for child in tree:
        total += walk(child, depth + 1)
    return total

#: call walk([[], [[]]], 0)
#: steps 2 3 4 2 3 5 3 4 2 3 4 2 3 5 3 5 3 5
#: frames 0 0 0 1 1 1 0 0 2 2 2 3 3 3 2 2 0 0
#: result 4
#: state 4/1 total = 1; int
#: state 4/2 total = 4; int
#: state 4/3 total = 3; int
#: state 3/3 child = [[]]; list
#: state 3/7 child = [[]]; list
#: state 2/4 total = 2; int
#: next 4/1 2
#: next 3/2 5
#: next 5/1 3
#: next 3/6 5
#: next 5/4 -1
