"""EvalPlus's way to judge code (Liu et al. 2023, arXiv 2305.01210), for HumanEval+ and MBPP+.

A program's function is called with the inputs of the original benchmark (*base*) and with EvalPlus's own (*plus*), and its results
stand against those of the reference solution. A program is right by the base where it is right on every base input, and right by
the plus, the figure that is quoted, where it is right on all inputs. Base and plus inputs run in a process of their own each.

The programs, the reference too, run in the sandbox for hostile code, and their results cross as plain data: what is no plain
value crosses as its type's name, so an object that claims to equal everything is wrong; what would be longer than 90,000 characters
crosses as a digest, and is compared exactly. The comparison is made outside.

*Official*: `==`; where the results differ and there is a tolerance, equal types and lengths and numpy's `allclose` with a relative
tolerance of 1e-7. The tolerance is the problem's; where that is 0, it becomes 1e-6 at the first result that is a float or holds
nothing but floats, and stays so for the inputs after it. A few problems have a rule of their own. A call may take one second,
or four times as long as the reference took for its slowest input, if that is longer.

*Strict*: every result has the very type and content of the reference's. Where the problem leaves the order open, order is left
open; where any root of a polynomial will do, any does.
"""
