def label(name, /, sep=":", **extra):
    text = name + sep
    for key, value in extra.items():
        text += f"{key}{value}"
    return text


def f():
    options = {"sep": "-", "b": 9}
    return label("x", a=1, **options)

#: call f()
#: steps 9 10 2 3 4 3 4 3 5
#: frames 0 0 1 1 1 1 1 1 1
#: result 'x-a1b9'
#: state 2/1 extra = {'a': 1, 'b': 9}; dict
#: state 2/1 text = 'x-'; str
#: state 3/2 key = 'b'; str
#: state 4/2 text = 'x-a1b9'; str
#: next 10/1 2
#: next 3/3 5
#: next 5/1 -1
