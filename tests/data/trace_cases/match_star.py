def f(parts):
    match parts:
        case []:
            total = 4
        case [first, *rest]:
            total = first + f(rest)
    return total

#: call f([1, 2])
#: steps 2 6 2 6 2 4 7 7 7
#: frames 0 0 1 1 2 2 2 1 0
#: result 7
#: state 2/1 first = 1; int
#: state 2/1 rest = [2]; list
#: state 2/2 rest = []; list
#: state 6/1 total = 7; int
#: state 6/2 total = 6; int
#: state 4/1 total = 4; int
#: next 2/3 4
#: next 4/1 7
#: next 6/2 2
#: next 7/3 -1
