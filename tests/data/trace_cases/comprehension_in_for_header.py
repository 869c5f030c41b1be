def f(words):
    total = 0
    for size in [len(word) for word in words]:
        total += size
    return total

#: call f(["a", "bcd"])
#: steps 2 3 4 3 4 3 5
#: result 4
#: state 3/1 size = 1; int
#: state 3/2 size = 3; int
#: state 4/2 total = 4; int
#: state 3/3 size = 3; int
#: next 2/1 3
#: next 3/1 4
#: next 3/3 5
