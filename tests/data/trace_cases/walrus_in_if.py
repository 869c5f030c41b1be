def f(table, key):
    if (found := table.get(key)) is None:
        found = 3
    elif (twice := found * 2) > 4:
        found = twice
    return found

#: call f({"a": 4}, "a")
#: steps 2 4 5 6
#: result 8
#: state 2/1 found = 4; int
#: state 4/1 twice = 8; int
#: state 4/1 found = 4; int
#: state 5/1 found = 8; int
#: next 2/1 4
#: next 4/1 5
#: next 3/1 -1
