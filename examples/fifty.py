"""Fifty programs, each followed by one call of it and the call's result.

`execverify dataset from-programs examples/fifty.py -o rows.jsonl` makes rows of them.
"""

import functools
import itertools
from collections import defaultdict, deque
from dataclasses import dataclass


def count_words(text):
    counts = {}
    for word in text.lower().split():
        word = word.strip(".,!?")
        if word:
            counts[word] = counts.get(word, 0) + 1
    return counts


assert count_words("The cat saw the dog. The dog ran!") == {"the": 3, "cat": 1, "saw": 1, "dog": 2, "ran": 1}


def caesar(text, shift):
    result = ""
    for char in text:
        if char.isupper():
            result += chr((ord(char) - 65 + shift) % 26 + 65)
        elif char.islower():
            result += chr((ord(char) - 97 + shift) % 26 + 97)
        else:
            result += char
    return result


assert caesar("Xyz, abc!", 3) == "Abc, def!"


def running_balance(opening, entries):
    balance = opening
    history = []
    overdrafts = 0
    for kind, amount in entries:
        if kind == "deposit":
            balance += amount
        elif kind == "withdraw" and amount <= balance:
            balance -= amount
        else:
            overdrafts += 1
            continue
        history.append(balance)
    return history, overdrafts


assert running_balance(50, [("deposit", 30), ("withdraw", 99), ("withdraw", 60), ("fee", 1)]) == ([80, 20], 2)


def multiply_matrices(left, right):
    columns = len(right[0])
    product = []
    for row in left:
        cells = []
        for j in range(columns):
            total = 0
            for k, value in enumerate(row):
                total += value * right[k][j]
            cells.append(total)
        product.append(cells)
    return product


assert multiply_matrices([[1, 2], [3, 4]], [[5, 6], [7, 8]]) == [[19, 22], [43, 50]]


def first_unbalanced(text):
    closing = {")": "(", "]": "[", "}": "{"}
    stack = []
    for position, char in enumerate(text):
        if char in closing.values():
            stack.append((char, position))
        elif char in closing:
            if not stack or stack[-1][0] != closing[char]:
                return position
            stack.pop()
    return stack[-1][1] if stack else -1


assert first_unbalanced("f(a[1], {b)") == 10


def parse_number(text):
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def parse_settings(line):
    settings = {}
    for part in line.split(";"):
        key, separator, value = part.partition("=")
        if not separator:
            settings[key.strip()] = True
            continue
        settings[key.strip()] = parse_number(value.strip())
    return settings


assert parse_settings("port=80; rate=0.5; debug; os=x") == {"port": 80, "rate": 0.5, "debug": True, "os": "x"}


def count_paths(rows, columns, known=None):
    if known is None:
        known = {}
    if rows == 1 or columns == 1:
        return 1
    key = (min(rows, columns), max(rows, columns))
    if key not in known:
        known[key] = count_paths(rows - 1, columns, known) + count_paths(rows, columns - 1, known)
    return known[key]


assert count_paths(3, 4) == 10


def collatz(number):
    path = [number]
    while number != 1:
        number = number // 2 if number % 2 == 0 else 3 * number + 1
        path.append(number)
    return len(path), max(path)


assert collatz(7) == (17, 52)


def primes_below(limit):
    sieve = [True] * limit
    sieve[:2] = [False, False]
    for candidate in range(2, limit):
        if candidate * candidate >= limit:
            break
        if sieve[candidate]:
            for multiple in range(candidate * candidate, limit, candidate):
                sieve[multiple] = False
    return [number for number, prime in enumerate(sieve) if prime]


assert primes_below(30) == [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]


def merge_intervals(intervals):
    merged = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return merged


assert merge_intervals([(8, 10), (1, 3), (2, 6), (15, 18), (9, 12)]) == [[1, 6], [8, 12], [15, 18]]


ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def roman_to_int(numeral):
    total = 0
    previous = 0
    for symbol in reversed(numeral):
        value = ROMAN_VALUES[symbol]
        if value < previous:
            total -= value
        else:
            total += value
            previous = value
    return total


assert roman_to_int("MCMXCIV") == 1994


def run_lengths(text):
    runs = []
    for char in text:
        if runs and runs[-1][0] == char:
            runs[-1][1] += 1
        else:
            runs.append([char, 1])
    return "".join(f"{count}{char}" if count > 1 else char for char, count in runs)


assert run_lengths("aaabccdddd") == "3ab2c4d"


def flatten(items, depth=0):
    flat = []
    deepest = depth
    for item in items:
        if isinstance(item, (list, tuple)):
            inner, inner_depth = flatten(item, depth + 1)
            flat.extend(inner)
            deepest = max(deepest, inner_depth)
        else:
            flat.append(item)
    return flat, deepest


assert flatten([1, [2, (3, [])], 4]) == ([1, 2, 3, 4], 3)


class InsufficientFunds(Exception):
    def __init__(self, missing):
        super().__init__(missing)
        self.missing = missing


class Account:
    def __init__(self, balance=0):
        self.balance = balance

    def withdraw(self, amount):
        if amount > self.balance:
            raise InsufficientFunds(amount - self.balance)
        self.balance -= amount
        return amount


def withdraw_all(balance, amounts):
    account = Account(balance)
    paid, missing = 0, 0
    for amount in amounts:
        try:
            paid += account.withdraw(amount)
        except InsufficientFunds as error:
            missing += error.missing
    return paid, missing, account.balance


assert withdraw_all(100, [30, 80, 50, 25]) == (80, 15, 20)


def print_queue(jobs, quantum):
    queue = deque(jobs.items())
    finished = []
    clock = 0
    while queue:
        name, pages = queue.popleft()
        printed = min(pages, quantum)
        clock += printed
        if pages > printed:
            queue.append((name, pages - printed))
        else:
            finished.append((name, clock))
    return finished


assert print_queue({"report": 5, "photo": 2, "essay": 4}, 2) == [("photo", 4), ("essay", 10), ("report", 11)]


def tokens(expression):
    number = ""
    for char in expression:
        if char.isdigit():
            number += char
            continue
        if number:
            yield int(number)
            number = ""
        if not char.isspace():
            yield char
    if number:
        yield int(number)


def evaluate_postfix(expression):
    stack = []
    for token in tokens(expression):
        if isinstance(token, int):
            stack.append(token)
            continue
        right, left = stack.pop(), stack.pop()
        match token:
            case "+":
                stack.append(left + right)
            case "-":
                stack.append(left - right)
            case "*":
                stack.append(left * right)
    return stack


assert evaluate_postfix("12 3 - 4 * 5+") == [41]


def vending_machine(events, price):
    credit = 0
    log = []
    for event in events:
        match event:
            case int(value) if value in (5, 10, 25):
                credit += value
            case int():
                log.append("rejected")
            case "buy" if credit >= price:
                credit -= price
                log.append("sold")
            case "buy":
                log.append(price - credit)
            case _:
                log.append(None)
    return log, credit


assert vending_machine([25, "buy", 3, 25, "buy", "kick"], 40) == ([15, "rejected", "sold", None], 10)


def make_light(durations):
    order = ["green", "yellow", "red"]
    index = 0
    remaining = durations[order[index]]

    def tick():
        nonlocal index, remaining
        remaining -= 1
        if remaining == 0:
            index = (index + 1) % len(order)
            remaining = durations[order[index]]
        return order[index]

    return tick


def watch_light(ticks):
    tick = make_light({"green": 3, "yellow": 1, "red": 2})
    seen = ["green"]
    for _ in range(ticks):
        colour = tick()
        if colour != seen[-1]:
            seen.append(colour)
    return seen


assert watch_light(7) == ["green", "yellow", "red", "green"]


def search_sorted(values, wanted):
    low, high = 0, len(values) - 1
    probes = []
    while low <= high:
        middle = (low + high) // 2
        probes.append(middle)
        if values[middle] == wanted:
            break
        if values[middle] < wanted:
            low = middle + 1
        else:
            high = middle - 1
    else:
        return -1, probes
    return middle, probes


assert search_sorted([2, 5, 8, 12, 16, 23, 38, 56, 72, 91], 40) == (-1, [4, 7, 5, 6])


def smallest_missing(numbers):
    present = set(numbers)
    for candidate in range(1, len(numbers) + 1):
        if candidate not in present:
            break
    else:
        candidate = len(numbers) + 1
    return candidate, present - {candidate}


assert smallest_missing([3, 1, 2, 6, 1]) == (4, {1, 2, 3, 6})


def group_by_initial(names):
    groups = defaultdict(list)
    for name in names:
        groups[name[0].upper()].append(name)
    ordered = {}
    for initial in sorted(groups):
        ordered[initial] = sorted(groups[initial], key=len)
    return ordered


assert group_by_initial(["bob", "alice", "Bo", "al"]) == {"A": ["al", "alice"], "B": ["Bo", "bob"]}


def build_order(needs):
    done = []
    waiting = dict(needs)
    while waiting:
        ready = sorted(name for name, deps in waiting.items() if all(dep in done for dep in deps))
        if not ready:
            return None
        for name in ready:
            done.append(name)
            del waiting[name]
    return done


assert build_order({"app": ["db", "ui"], "ui": ["io"], "db": ["io"], "io": []}) == ["io", "db", "ui", "app"]


def shortest_route(grid, start, goal):
    queue = deque([(start, 0)])
    seen = {start}
    while queue:
        (row, column), distance = queue.popleft()
        if (row, column) == goal:
            return distance
        for step_row, step_column in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            cell = (row + step_row, column + step_column)
            inside = 0 <= cell[0] < len(grid) and 0 <= cell[1] < len(grid[0])
            if inside and grid[cell[0]][cell[1]] != "#" and cell not in seen:
                seen.add(cell)
                queue.append((cell, distance + 1))
    return -1


assert shortest_route([".#.", "...", "##."], (0, 0), (2, 2)) == 4


def live_neighbours(cells, row, column):
    near = ((row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j)
    return sum(position in cells for position in near)


def next_generation(cells, size):
    born = set()
    for row in range(size):
        for column in range(size):
            neighbours = live_neighbours(cells, row, column)
            if neighbours == 3 or (neighbours == 2 and (row, column) in cells):
                born.add((row, column))
    return born


assert next_generation({(1, 0), (1, 1), (1, 2)}, 3) == {(0, 1), (1, 1), (2, 1)}


def pascal(height):
    rows = [[1]]
    while len(rows) < height:
        above = rows[-1]
        rows.append([1, *(a + b for a, b in itertools.pairwise(above)), 1])
    return rows


assert pascal(5) == [[1], [1, 1], [1, 2, 1], [1, 3, 3, 1], [1, 4, 6, 4, 1]]


def transfer(accounts, source, target, amount):
    log = []
    try:
        accounts[source] -= amount
        accounts[target] += amount
    except KeyError as error:
        log.append(error.args[0])
        if source in accounts:
            accounts[source] += amount
    else:
        log.append("moved")
    finally:
        log.append("close")
    return log


def settle(transfers):
    accounts = {"ann": 10, "bo": 5}
    log = []
    for item in transfers:
        log += transfer(accounts, *item)
    return accounts, log


assert settle([("ann", "bo", 4), ("bo", "cy", 2)]) == ({"ann": 6, "bo": 9}, ["moved", "close", "cy", "close"])


@dataclass
class Item:
    name: str
    price: int
    quantity: int = 1

    def total(self):
        discount = self.price * self.quantity // 10 if self.quantity >= 5 else 0
        return self.price * self.quantity - discount


def invoice(lines):
    items = [Item(*line) for line in lines]
    total = 0
    labels = []
    for item in items:
        cost = item.total()
        total += cost
        labels.append(f"{item.name}:{cost:>5}")
    return labels, total


assert invoice([("pen", 3, 10), ("bag", 40), ("cup", 7, 2)]) == (["pen:   27", "bag:   40", "cup:   14"], 81)


class Thermostat:
    def __init__(self, celsius):
        self.celsius = celsius

    @property
    def celsius(self):
        return self._celsius

    @celsius.setter
    def celsius(self, value):
        if value < 5:
            value = 5
        elif value > 30:
            value = 30
        self._celsius = value

    @property
    def fahrenheit(self):
        return self.celsius * 9 // 5 + 32


def adjust(changes):
    thermostat = Thermostat(20)
    readings = []
    for change in changes:
        thermostat.celsius += change
        readings.append(thermostat.fahrenheit)
    return readings


assert adjust([5, 10, -40]) == [77, 86, 41]


class Shape:
    sides = 0

    def __init__(self, name):
        self.name = name

    def describe(self):
        return f"{self.name} {self.sides}/{self.area()}"

    def area(self):
        return 0


class Rectangle(Shape):
    sides = 4

    def __init__(self, width, height):
        super().__init__("square" if width == height else "rectangle")
        self.width, self.height = width, height

    def area(self):
        return self.width * self.height


def describe_shapes(sizes):
    shapes = [Shape("blob")]
    for width, height in sizes:
        shapes.append(Rectangle(width, height))
    return [shape.describe() for shape in shapes]


assert describe_shapes([(2, 3), (4, 4)]) == ["blob 0/0", "rectangle 4/6", "square 4/16"]


def fetch(responses):
    response = responses.pop(0)
    if response >= 500:
        raise ConnectionError(response)
    if response == 404:
        raise LookupError(response)
    return response


def fetch_with_retries(responses, attempts):
    waits = []
    delay = 1
    while attempts > 0:
        attempts -= 1
        try:
            return fetch(responses), waits
        except ConnectionError:
            waits.append(delay)
            delay *= 2
        except LookupError:
            return None, waits
    return -1, waits


assert fetch_with_retries([503, 500, 200, 404], 4) == (200, [1, 2])


class Writer:
    def __init__(self):
        self.lines = []
        self.depth = 0

    def __enter__(self):
        self.depth += 1
        return self

    def __exit__(self, kind, error, traceback):
        self.depth -= 1
        return False

    def write(self, text):
        self.lines.append("  " * self.depth + text)


def render_menu(menu):
    writer = Writer()
    for title, entries in menu.items():
        writer.write(title)
        with writer as inner:
            for entry in entries:
                inner.write(entry)
    return writer.lines


assert render_menu({"File": ["Open", "Save"], "Help": []}) == ["File", "  Open", "  Save", "Help"]


def in_order(tree):
    if tree is None:
        return
    left, value, right = tree
    yield from in_order(left)
    yield value
    yield from in_order(right)


def first_descent(tree):
    previous = None
    for value in in_order(tree):
        if previous is not None and value <= previous:
            return previous, value
        previous = value
    return None


assert first_descent(((None, 1, None), 4, ((None, 6, None), 5, None))) == (6, 5)


def averager():
    total, count = 0, 0
    average = None
    while True:
        value = yield average
        if value is None:
            break
        total += value
        count += 1
        average = total / count


def averages(values):
    machine = averager()
    next(machine)
    result = []
    for value in values:
        result.append(machine.send(value))
    machine.close()
    return result


assert averages([4, 8, 3, 1]) == [4.0, 6.0, 5.0, 4.0]


def checksum(data):
    low, high = 1, 0
    for byte in data:
        low = (low + byte) % 251
        high = (high + low) % 251
    return high << 8 | low


def unpack_frames(stream):
    frames = []
    position = 0
    while position < len(stream):
        size = stream[position]
        payload = stream[position + 1 : position + 1 + size]
        if len(payload) < size:
            frames.append(None)
            break
        frames.append((payload, checksum(payload)))
        position += 1 + size
    return frames


assert unpack_frames(b"\x03abc\x01z\x05hi") == [(b"abc", 22316), (b"z", 31611), None]


def split_csv(line):
    fields = []
    field = ""
    quoted = False
    for char in line:
        if char == '"':
            quoted = not quoted
        elif char == "," and not quoted:
            fields.append(field)
            field = ""
        else:
            field += char
    return [*fields, field]


assert split_csv('7,"a, b",,end') == ["7", "a, b", "", "end"]


def edit_distance(old, new):
    previous = list(range(len(new) + 1))
    for i, left in enumerate(old, start=1):
        current = [i]
        for j, right in enumerate(new, start=1):
            cost = previous[j - 1]
            if left != right:
                cost = 1 + min(cost, previous[j], current[-1])
            current.append(cost)
        previous = current
    return previous[-1]


assert edit_distance("rain", "shine") == 3


def make_change(amount, coins):
    used = {}
    for coin in sorted(coins, reverse=True):
        count, amount = divmod(amount, coin)
        if count:
            used[coin] = count
        if not amount:
            break
    return used if amount == 0 else {}


assert make_change(87, [1, 5, 10, 25, 50]) == {50: 1, 25: 1, 10: 1, 1: 2}


def wrap(text, width):
    lines = []
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line.ljust(width, "."))
            line = word
        else:
            line = f"{line} {word}" if line else word
    if line:
        lines.append(line.ljust(width, "."))
    return lines


assert wrap("to be or not to be that is it", 9) == ["to be or.", "not to be", "that is..", "it......."]


def spiral(matrix):
    path = []
    while matrix:
        first, *rest = matrix
        path += first
        turned = []
        for column in zip(*rest, strict=True):
            turned.insert(0, list(column))
        matrix = turned
    return path


assert spiral([[1, 2, 3], [4, 5, 6], [7, 8, 9]]) == [1, 2, 3, 6, 9, 8, 7, 4, 5]


def winner(board):
    lines = list(board)
    lines += ["".join(column) for column in zip(*board, strict=True)]
    lines.append("".join(board[i][i] for i in range(3)))
    lines.append("".join(board[i][2 - i] for i in range(3)))
    for line in lines:
        if line[0] != " " and len(set(line)) == 1:
            return line[0]
    if any(" " in row for row in board):
        return None
    return "draw"


assert winner(["XOX", "OXO", "OXX"]) == "X"


def to_base(number, base):
    digits = "0123456789abcdef"
    if number < 0:
        return "-" + to_base(-number, base)
    if number < base:
        return digits[number]
    quotient, remainder = divmod(number, base)
    return to_base(quotient, base) + digits[remainder]


assert to_base(-48879, 16) == "-beef"


def check_card(number):
    digits = [int(char) for char in number if char.isdigit()]
    total = 0
    double = False
    while digits:
        digit = digits.pop()
        if double:
            digit *= 2
            if digit > 9:
                digit -= 9
        total += digit
        double = not double
    return total, total % 10 == 0


assert check_card("4539 1488 0343 6467") == (80, True)


def rank_candidates(ballots):
    points = {}
    for ballot in ballots:
        for place, name in enumerate(ballot):
            points[name] = points.get(name, 0) + len(ballot) - place
    ranking = sorted(points, key=lambda name: (-points[name], name))
    return [(name, points[name]) for name in ranking]


assert rank_candidates([["ann", "bo"], ["cy", "bo", "ann"], ["cy"]]) == [("cy", 4), ("ann", 3), ("bo", 3)]


class Node:
    def __init__(self, value, following=None):
        self.value = value
        self.following = following


def reverse_in_pairs(values):
    head = None
    for value in reversed(values):
        head = Node(value, head)
    result = []
    node = head
    while node and node.following:
        node.value, node.following.value = node.following.value, node.value
        node = node.following.following
    while head:
        result.append(head.value)
        head = head.following
    return result


assert reverse_in_pairs([1, 2, 3, 4, 5]) == [2, 1, 4, 3, 5]


class Vector:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    def __mul__(self, factor):
        return Vector(self.x * factor, self.y * factor)

    def __eq__(self, other):
        return (self.x, self.y) == (other.x, other.y)


def drift(steps, target):
    position = Vector(0, 0)
    wind = Vector(1, -1)
    taken = 0
    while taken < steps:
        position = position + wind * (taken + 1)
        taken += 1
        if position == Vector(*target):
            break
    return taken, position.x, position.y


assert drift(6, (6, -6)) == (3, 6, -6)


def simplify(expression):
    match expression:
        case int() | str():
            return expression
        case ("+", left, right):
            left, right = simplify(left), simplify(right)
            if isinstance(left, int) and isinstance(right, int):
                return left + right
            return left if right == 0 else ("+", left, right)
        case ("*", left, right):
            match simplify(left), simplify(right):
                case (0, _) | (_, 0):
                    return 0
                case (1, other) | (other, 1):
                    return other
                case (left, right):
                    return ("*", left, right)


assert simplify(("+", ("*", "x", ("+", 0, 1)), ("*", ("+", 2, 3), 0))) == "x"


def read_varints(data):
    remaining = list(reversed(data))
    numbers = []
    while remaining:
        number = shift = 0
        while (byte := remaining.pop()) & 0x80:
            number |= (byte & 0x7F) << shift
            shift += 7
        numbers.append(number | byte << shift)
    return numbers


assert read_varints(b"\x05\xac\x02\x80\x80\x01") == [5, 300, 16384]


def memoize(function):
    known = {}

    @functools.wraps(function)
    def wrapper(*args):
        if args not in known:
            known[args] = function(*args)
        return known[args]

    return wrapper


def partitions(total):
    @memoize
    def ways(remaining, largest):
        if remaining == 0:
            return 1
        if remaining < 0 or largest == 0:
            return 0
        return ways(remaining - largest, largest) + ways(remaining, largest - 1)

    return ways(total, total)


assert partitions(4) == 5


def compare_versions(first, second):
    left = [int(part) for part in first.split(".")]
    right = [int(part) for part in second.split(".")]
    length = max(len(left), len(right))
    left += [0] * (length - len(left))
    right += [0] * (length - len(right))
    for index, (a, b) in enumerate(zip(left, right, strict=True)):
        if a != b:
            return index, "newer" if a > b else "older"
    return None


assert compare_versions("2.10", "2.9.3") == (1, "newer")


def walk(commands):
    x, y = 0, 0
    dx, dy = 0, 1
    visited = {(0, 0)}
    crossings = 0
    for command in commands.split():
        turn, length = command[0], int(command[1:])
        dx, dy = (dy, -dx) if turn == "R" else (-dy, dx)
        for _ in range(length):
            x, y = x + dx, y + dy
            if (x, y) in visited:
                crossings += 1
            visited.add((x, y))
    return (x, y), crossings, len(visited)


assert walk("R3 R2 R2 R4 L1") == ((0, 2), 1, 12)
