def f(n):
    class Local:
        """A class made by the call."""

        width = 5
        height = width + n

        def area(self):
            return self.width * self.height

    local = Local()
    return local.area()

#: call f(1)
#: steps 2 5 6 8 11 12 9
#: frames 0 1 1 1 0 0 2
#: result 30
#: state 5/1 width = 5; int
#: state 6/1 height = 6; int
#: state 2/1 Local = opaque
#: state 11/1 local = opaque
#: state 12/1 n = 1; int
#: next 2/1 5
#: next 3/1 -1
#: next 8/1 11
#: next 12/1 9
