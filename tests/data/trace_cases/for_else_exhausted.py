def find(items, wanted):
    for item in items:
        if item == wanted:
            break
    else:
        item = 6
    return item

#: call find([1, 2], 7)
#: steps 2 3 2 3 2 6 7
#: result 6
#: state 2/1 item = 1; int
#: state 2/2 item = 2; int
#: state 2/3 item = 2; int
#: state 6/1 item = 6; int
#: next 3/2 2
#: next 2/3 6
#: next 4/1 -1
#: next 7/1 -1
