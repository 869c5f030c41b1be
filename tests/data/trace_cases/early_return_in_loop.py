def first_over(limit, values):
    for index, value in enumerate(values):
        if value > limit:
            return index
    return -1

#: call first_over(4, [1, 5, 9])
#: steps 2 3 2 3 4
#: result 1
#: state 2/1 value = 1; int
#: state 2/2 index = 1; int
#: state 2/2 value = 5; int
#: next 3/1 2
#: next 3/2 4
#: next 4/1 -1
#: next 2/3 -1
