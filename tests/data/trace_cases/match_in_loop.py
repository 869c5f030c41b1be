def f(commands):
    x = 2
    for command in commands:
        match command:
            case "up":
                x += 6
            case int(size) if size > 3:
                x -= size
            case "stop":
                break
    return x

#: call f(["up", 8, 3, "stop", "up"])
#: steps 2 3 4 6 3 4 8 3 4 3 4 10 11
#: result 0
#: state 6/1 x = 8; int
#: state 4/2 size = 8; int
#: state 8/1 x = 0; int
#: state 4/3 x = 0; int
#: state 3/4 command = 'stop'; str
#: next 4/1 6
#: next 6/1 3
#: next 4/3 3
#: next 4/4 10
#: next 10/1 11
