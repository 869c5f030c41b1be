def find(items, wanted):
    place = 0
    for item in items:
        if item == wanted:
            break
        place += 1
    else:
        place = -1
    return place

#: call find([4, 5, 6], 5)
#: steps 2 3 4 6 3 4 5 9
#: result 1
#: state 3/1 item = 4; int
#: state 3/2 item = 5; int
#: state 6/1 place = 1; int
#: next 4/1 6
#: next 4/2 5
#: next 5/1 9
#: next 8/1 -1
#: next 3/3 -1
