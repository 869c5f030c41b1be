def f(n: int) -> int:
    """Neither this line
    nor this one is a step.
    """
    total: int
    total = 6
    more: int = 7
    return total + more + n

#: call f(1)
#: steps 6 7 8
#: result 14
#: state 6/1 total = 6; int
#: state 7/1 more = 7; int
#: next 2/1 -1
#: next 5/1 -1
#: next 6/1 7
#: next 8/1 -1
