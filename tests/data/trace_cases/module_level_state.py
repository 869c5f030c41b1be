LIMIT = 1 + 1
CACHE = {}
for number in range(LIMIT):
    CACHE[number] = number * 4


def f(n):
    if n not in CACHE:
        CACHE[n] = LIMIT + 9
    return CACHE[n] + len(CACHE)

#: call f(5)
#: steps 8 9 10
#: result 14
#: state 8/1 n = 5; int
#: state 9/1 n = 5; int
#: next 8/1 9
#: next 1/1 -1
#: next 3/1 -1
#: next 4/1 -1
