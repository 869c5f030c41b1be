"""Programs of library-io that lean on re, datetime and json: functions, each with calls. They are read as text, never imported.

Written for this package. A call's result is made by running it, so a Python version in which a library does otherwise has another
result, and never a wrong one.
"""

import datetime
import json
import re
from collections import Counter
from datetime import date, timedelta

# ---------------------------------------------------------------------------------------------------------------- re


def numbers_in(text):
    return [int(match) for match in re.findall(r"-?\d+", text)]


numbers_in("from -3 to 14, step 2x7")


def snake_case(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


snake_case("parseHTTPResponse")
snake_case("XmlToJson")


def swap_pairs(text):
    return re.sub(r"(\w+)-(\w+)", r"\2+\1", text)


swap_pairs("left-right up-down-over plain")


def parse_log(line):
    match = re.match(r"\[(?P<level>\w+)\]\s+(?P<code>\d{3})?:?\s*(?P<rest>.*)$", line)
    return match.groupdict() if match else None


parse_log("[WARN]  404: not found")
parse_log("[INFO] ready")
parse_log("no level")


def split_sentences(text):
    return [part.strip() for part in re.split(r"[.!?]+\s*", text) if part]


split_sentences("Stop! Who goes there?.. Nobody.")


def redact(text):
    return re.sub(r"\d", lambda match: "*" if int(match.group()) % 2 else "#", text)


redact("pin 4071-93")


def positions(pattern, text):
    return [match.span() for match in re.finditer(pattern, text)]


positions("a+b?", "aab caba")


def is_valid_time(text):
    return bool(re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", text))


is_valid_time("24:00")
is_valid_time("7:45")


def repeated_words(text):
    return re.findall(r"\b(\w+)\s+\1\b", text, flags=re.IGNORECASE)


repeated_words("it was was the The cat that sat sat")


def fill_template(text, values):
    return re.sub(r"\{(\w+)(?::(\d+))?\}", lambda m: str(values.get(m[1], "?")).rjust(int(m[2] or 0), "."), text)


fill_template("{name}:{age:4}{city:2}", {"name": "Jo", "age": 7})


# ---------------------------------------------------------------------------------------------------------- datetime


def days_between(first, second):
    return (date.fromisoformat(second) - date.fromisoformat(first)).days


days_between("2024-02-27", "2024-03-01")


def weekday_name(year, month, day):
    return datetime.date(year, month, day).strftime("%a %d.%m.")


weekday_name(2023, 12, 31)


def add_workdays(start, count):
    day = date.fromisoformat(start)
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day.isoformat()


add_workdays("2024-05-02", 3)


def meeting_end(start, minutes):
    begin = datetime.datetime.strptime(start, "%H:%M")
    return (begin + timedelta(minutes=minutes)).strftime("%H:%M")


meeting_end("23:10", 95)


def humanize(seconds):
    span = timedelta(seconds=seconds)
    return str(span), span.days, span.seconds


humanize(90061)
humanize(-1)


def iso_week(text):
    return tuple(datetime.date.fromisoformat(text).isocalendar())


iso_week("2021-01-03")


def month_ends(year, months):
    ends = []
    for month in months:
        following = date(year + month // 12, month % 12 + 1, 1)
        ends.append((following - timedelta(days=1)).day)
    return ends


month_ends(2024, [1, 2, 4, 12])


# -------------------------------------------------------------------------------------------------------------- json


def round_trip(value):
    return json.loads(json.dumps(value))


round_trip({1: (2, 3), None: True, "x": [None, 1.0]})


def compact(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


compact({"b": [1, {"z": None}], "a": 'q"t'})


def deep_get(text, path):
    value = json.loads(text)
    for key in path.split("/"):
        value = value[int(key)] if isinstance(value, list) else value.get(key)
    return value


deep_get('{"a": [{"b": 1}, {"b": [2, 3]}]}', "a/1/b/0")


def load_or_default(texts):
    loaded = []
    for text in texts:
        try:
            loaded.append(json.loads(text))
        except json.JSONDecodeError as error:
            loaded.append(error.pos)
    return loaded


load_or_default(["[1, 2", "3.0", "{'a': 1}", "null"])


def count_types(text):
    return dict(Counter(type(value).__name__ for value in json.loads(text).values()))


count_types('{"a": 1, "b": 1.5, "c": "1", "d": true, "e": [], "f": 2}')
