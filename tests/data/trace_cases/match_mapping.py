def f(event):
    match event:
        case {"kind": "key", "code": int(code)}:
            return code
        case {"kind": kind, **rest}:
            return kind, rest

#: call f({"kind": "move", "x": 3})
#: steps 2 6
#: result ('move', {'x': 3})
#: state 2/1 kind = 'move'; str
#: state 2/1 rest = {'x': 3}; dict
#: next 2/1 6
#: next 4/1 -1
