"""How many halvings and triplings until 1? A program to try the command line on."""


def advance(n):
    if n % 2:
        return 3 * n + 1
    return n // 2


def f(n):
    seen = [n]
    while n != 1:
        n = advance(n)
        seen.append(n)
    return seen
