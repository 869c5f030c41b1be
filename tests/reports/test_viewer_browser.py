"""The viewer's page in a real browser: stepping, questions, reasoning, the list, the keyboard, phones, hostile texts, many items."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import execverify as ev
from execverify.reports.viewer import notebook_html, viewer_page
from execverify.reports.viewer_items import ViewItem
from execverify.reports.viewer_sources import items_of_pairs
from tests.helpers.browser import NARROW, WIDE, OpenPage, chromium, has, is_true, shows, starts
from tests.reports.test_viewer import BANK, LIMITS, LOOP, chain_of, hostile_item, task_of

__all__ = ["chromium"]
pytestmark = pytest.mark.browser
ROWS = "#list [role=option]"
STATUS = ".status strong"


def write(path: Path, items: Sequence[ViewItem], title: str = "page") -> Path:
    path.write_text(viewer_page(title, items, limits=LIMITS), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Path:
    item = ViewItem("bank", "program", ev.Program(BANK, arguments="[1, 5]"))
    return write(tmp_path_factory.mktemp("single") / "page.html", [item])


LONG = """\
def f(words):
    count = 0
    for word in words:
        count += sum(ord(letter) for letter in word if letter.isalpha() and letter not in "aeiou") * 2 + len(word) - count // 7
    return count
"""


@pytest.mark.parametrize("viewport", [WIDE, NARROW])
def test_visits_cover_no_code(chromium: Any, tmp_path: Path, viewport: dict[str, int]) -> None:
    item = ViewItem("long", "program", ev.Program(LONG, arguments="['one', 'two', 'three']"))
    with OpenPage(chromium, write(tmp_path / "page.html", [item]), viewport=viewport) as page:
        for step in range(1, 6):
            starts(page.locator(STATUS), f"Step {step} of 9")
            rows = page.evaluate(
                "[...document.querySelectorAll('.stepper .code li')].map((row) => {"
                " const code = document.createRange(); code.selectNodeContents(row.querySelector('code'));"
                " const info = document.createRange(); info.selectNodeContents(row.lastChild);"
                " return [row.lastChild.textContent, code.getBoundingClientRect().right, info.getBoundingClientRect().left]; })"
            )
            assert any(text.startswith("visit ") for text, *_ in rows)
            assert all(right < left for text, right, left in rows if text), rows
            page.get_by_role("button", name="One step forward").click()


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows with several completions each."""
    pairs = []
    for number, arguments in enumerate(("[1, 5]", "[2]", "[3, 4, 5]")):
        task = task_of(arguments=arguments, limit=6, id=f"row {number}/1")
        chain = chain_of(task)
        wrong = chain.replace("total = 0", "total = 1", 1).replace("assert f", "assert g")
        pairs.append((ev.to_row(task), [chain, wrong, task.gold, "I do not know."]))
    return write(tmp_path_factory.mktemp("group") / "page.html", items_of_pairs(pairs))


def test_stepping_by_buttons_keys_scrubber_and_lines(chromium: Any, single: Path) -> None:
    with OpenPage(chromium, single) as page:
        shows(page.locator(STATUS), "Step 1 of 11: line 11, visit 1, in f")
        page.get_by_role("button", name="One step forward").click()
        starts(page.locator(STATUS), "Step 2 of 11: line 3, visit 1, in __init__")
        page.locator("body").press("ArrowRight")
        page.locator("body").press("ArrowRight")
        starts(page.locator(STATUS), "Step 4 of 11")
        page.locator("body").press("ArrowLeft")
        starts(page.locator(STATUS), "Step 3 of 11")
        scrubber = page.get_by_role("slider", name="Step")
        scrubber.focus()
        scrubber.press("End")
        starts(page.locator(STATUS), "Step 11 of 11: line 14")
        assert "Step 11 of 11" in scrubber.get_attribute("aria-valuetext")
        page.get_by_role("button", name="Line 7, 2 visits").click()
        starts(page.locator(STATUS), "Step 6 of 11: line 7, visit 1")
        page.get_by_role("button", name="Line 7, 2 visits").click()
        shows(page.locator(STATUS), re.compile(re.escape("line 7, visit 2, in add") + "$"))
        assert page.locator(".code [aria-current='step']").inner_text().strip().startswith("7")
        is_true(page, "location.hash === '#bank@9'")


def test_frames_values_rounds_calls_and_attributes(chromium: Any, single: Path) -> None:
    with OpenPage(chromium, single, "#bank@9") as page:
        inner, outer = page.locator(".frame").all()
        assert inner.locator("h4").inner_text().startswith("add(self=<Account object>, amount=5)")
        assert "waits at line 13" in outer.locator("h4").inner_text()
        assert inner.locator("tr.changed").inner_text().split() == [".balance", "6", "changed", "int"]
        events = page.locator(".events").inner_text()
        assert "add returns None" in events and "self.balance = 6" in events
        page.get_by_role("button", name="One step back").click()
        shows(page.locator(".events"), re.compile("Loop at line 12: round 2 of 2"))
        assert "Calls add(self=<Account object>, amount=5)" in page.locator(".events").inner_text()


def test_questions_stand_at_their_steps(chromium: Any, group: Path) -> None:
    with OpenPage(chromium, group) as page:
        row = page.locator(".answers tbody tr").nth(1)
        row.get_by_role("button").click()
        has(row, "class", re.compile("here"))
        asked = page.locator(".asks").inner_text()
        assert "accepted" in asked and "the model" in asked and "right" in asked
        assert page.locator(".ticks .q").count() > 0


def test_reasoning_is_marked_line_by_line(chromium: Any, group: Path) -> None:
    with OpenPage(chromium, group) as page:
        first = page.locator(".sample").nth(0)
        assert first.locator(".line.right").count() > 5 and first.locator(".line.wrong").count() == 0
        second = page.locator(".sample").nth(1)
        assert second.locator(".divergence").count() == 1
        diverging = second.locator(".line.first")
        assert "total = 1" in diverging.inner_text()
        diverging.click()
        shows(page.locator(".stepper .line.first"), re.compile("total = 1"))
        shows(page.locator(".several .chosen h4"), "Completion 2")
        shows(page.locator(".answers h3"), re.compile("of completion 2$"))
        assert page.locator(".ticks .first").count() == 1


def test_a_group_is_side_by_side_with_rewards_and_parts(chromium: Any, group: Path) -> None:
    with OpenPage(chromium, group) as page:
        cards = page.locator(".several .sample")
        tops = {round(card.bounding_box()["y"]) for card in cards.all()}
        assert cards.count() == 4 and len(tops) == 1
        assert [card.locator(".reward strong").inner_text() for card in cards.all()] == ["2", "0", "2", "0"]
        assert cards.nth(0).locator(".dots li").count() == page.locator(".answers tbody tr").count()
        assert "advantage +1.00" in cards.nth(0).inner_text() and "advantage −1.00" in cards.nth(3).inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") <= 1400
        explained = [index for index, card in enumerate(cards.all()) if "Reward 0: the output is wrong" in card.inner_text()]
        assert explained == [1], "the second has right parts, and the last has none"


def test_equal_rewards_have_no_advantage(chromium: Any, tmp_path: Path) -> None:
    """The mean of eight times 0.05 is another float than 0.05."""
    task = task_of(arguments="[2]", id="equal")
    (item,) = items_of_pairs([(ev.to_row(task), [f"{number}" for number in range(8)])])
    equal = replace(item, samples=tuple(replace(sample, reward=0.05) for sample in item.samples))
    with OpenPage(chromium, write(tmp_path / "page.html", [equal])) as page:
        cards = page.locator(".several .sample")
        assert cards.count() == 8 and "0.05 reward" in cards.nth(0).inner_text()
        assert not [card for card in cards.all() if "advantage" in card.inner_text()]


@pytest.mark.parametrize(("viewport", "first"), [(WIDE, "Completions 1 to 2 of 4"), (NARROW, "Completion 1 of 4")])
def test_a_group_says_which_completions_are_in_view(chromium: Any, group: Path, viewport: dict[str, int], first: str) -> None:
    with OpenPage(chromium, group, "#row%200%2F1", viewport=viewport) as page:
        shows(page.locator(".hint"), f"{first} in view: scroll sideways for the others.")
        page.evaluate("document.querySelector('.group').scrollLeft = 10000")
        shows(page.locator(".hint"), re.compile("4 of 4 in view"))


def test_search_filters_sort_and_bins(chromium: Any, tmp_path: Path) -> None:
    tasks = [
        replace(task_of(arguments=str([number] * (1 + number % 4)), id=f"item {number}"), level=1 + number % 6)
        for number in range(24)
    ]
    pairs = [(ev.to_row(task), [task.gold if task.level != 3 else "none"]) for task in tasks]
    page_file = write(tmp_path / "page.html", items_of_pairs(pairs))
    with OpenPage(chromium, page_file) as page:
        count = page.locator("#count")
        shows(count, "24 items")
        page.locator("select[name=level]").select_option("3")
        shows(count, "4 items of 24")
        has(page.locator(ROWS).first, "aria-setsize", "4")
        page.get_by_role("button", name="Clear").click()
        page.get_by_role("searchbox").fill("ITEM 17")
        shows(count, "1 item of 24")
        page.get_by_role("button", name="Clear").click()
        page.get_by_role("button", name="Level 2: 4 items").click()
        shows(count, "4 items of 24")
        has(page.get_by_role("button", name="Level 2: 4 items"), "aria-pressed", "true")
        page.get_by_role("button", name="Level 2: 4 items").click()
        shows(count, "24 items")
        page.locator("select[name=sort]").select_option("reward")
        starts(page.locator(ROWS).first, "✗")
        page.locator("select[name=verdict]").select_option("no answer")
        shows(count, "4 items of 24")


def test_a_stage_of_a_training_is_chosen_and_signs_are_explained(chromium: Any, tmp_path: Path) -> None:
    task = task_of(arguments="[1, 5]", id="row")
    answers = [
        ("rl_whitebox", [task.gold, "none"]),
        ("rl_whitebox", ["none"]),
        ("rl_unit_tests", ["none"]),
        ("rl_unit_tests", ["none"]),
    ]
    items = [
        replace(items_of_pairs([(ev.to_row(task), given)])[0], id=f"row {number}", facts={"stage": stage})
        for number, (stage, given) in enumerate(answers)
    ]
    with OpenPage(chromium, write(tmp_path / "page.html", items)) as page:
        shows(page.locator("#legend"), re.compile(r"✗ wrong or no answer\s*◐ some right$"))
        shows(page.locator("#count"), "4 items")
        page.locator("select[name=stage]").select_option("rl unit tests")
        shows(page.locator("#count"), "2 items of 4")
        assert [row.get_attribute("id") for row in page.locator(ROWS).all()] == ["option-2", "option-3"]


def test_every_item_has_a_link(chromium: Any, group: Path) -> None:
    with OpenPage(chromium, group, "#row%202%2F1@4") as page:
        starts(page.locator("#name"), "row 2/1")
        starts(page.locator(STATUS), "Step 4 of ")
        page.evaluate("location.hash = '#row%201%2F1'")
        page.locator("#name", has_text="row 1/1").wait_for()
        page.evaluate("location.hash = '#%E0%A4%A'")
        starts(page.locator("#name"), "row 1/1")


def test_the_keyboard_alone_is_enough(chromium: Any, group: Path) -> None:
    with OpenPage(chromium, group) as page:
        page.keyboard.press("/")
        is_true(page, "document.activeElement.name === 'text'")
        page.get_by_role("listbox").focus()
        page.keyboard.press("ArrowDown")
        starts(page.locator("#name"), "row 1/1")
        shows(page.locator("[role=option][aria-selected=true]"), re.compile("row 1/1"))
        active = page.get_by_role("listbox").get_attribute("aria-activedescendant")
        assert page.locator(f"#{active}").count() == 1
        page.keyboard.press("End")
        page.keyboard.press("Enter")
        is_true(page, "document.activeElement.id === 'name'")
        page.keyboard.press("k")
        starts(page.locator("#name"), "row 1/1")


def test_every_control_has_a_name(chromium: Any, group: Path) -> None:
    with OpenPage(chromium, group) as page:
        unnamed = page.evaluate(
            """[...document.querySelectorAll('button, input, select, [role=option], [tabindex="0"]')].filter((each) =>
               !(each.getAttribute('aria-label') || each.textContent.trim() || (each.labels && each.labels.length))).length"""
        )
        assert unnamed == 0
        assert page.locator("[role=status]").count() >= 2
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map((each) => each.id)")
        assert len(ids) == len(set(ids))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_contrast(chromium: Any, group: Path, scheme: str) -> None:
    with OpenPage(chromium, group, color_scheme=scheme) as page:
        worst = page.evaluate(CONTRAST)
        assert worst[0] >= 4.5, worst


CONTRAST = """(() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const over = (top, below) => { const a = top[3] ?? 1; return [0, 1, 2].map((k) => top[k] * a + below[k] * (1 - a)); };
  const light = (rgb) => { const [r, g, b] = rgb.map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (each) => { const chain = [];
    for (; each; each = each.parentElement) chain.push(parse(getComputedStyle(each).backgroundColor));
    return chain.reverse().reduce((below, top) => over(top, below), [255, 255, 255]); };
  let worst = [99, ""];
  for (const each of document.querySelectorAll("body *")) {
    const own = [...each.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !each.checkVisibility() || each.matches("script, option")) continue;
    let share = 1; for (let up = each; up; up = up.parentElement) share *= Number(getComputedStyle(up).opacity);
    const below = ground(each), text = parse(getComputedStyle(each).color);
    const ink = over([...text.slice(0, 3), (text[3] ?? 1) * share], below);
    const [a, b] = [light(ink), light(below)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < worst[0]) worst = [ratio, each.className + ": " + each.textContent.slice(0, 40)];
  }
  return worst;
})()"""


def test_on_a_phone_a_tap_shows_the_item(chromium: Any, group: Path) -> None:
    with OpenPage(chromium, group, viewport=NARROW, has_touch=True) as page:
        page.locator("#detail").wait_for(state="hidden")
        page.locator(ROWS).nth(1).tap()
        page.locator("#detail").wait_for()
        page.locator("#side").wait_for(state="hidden")
        starts(page.locator("#name"), "row 1/1")
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        page.get_by_role("button", name="All items").tap()
        page.locator("#side").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.parametrize("viewport", [{"width": 1400, "height": 900}, NARROW])
def test_nothing_is_wider_than_the_window(chromium: Any, single: Path, group: Path, viewport: dict[str, int]) -> None:
    for file in (single, group):
        with OpenPage(chromium, file, viewport=viewport) as page:
            assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_hostile_texts_are_texts(chromium: Any, tmp_path: Path) -> None:
    page_file = write(
        tmp_path / "page.html", [hostile_item(), replace(hostile_item(), id="second")], "</title><script>1</script>"
    )
    with OpenPage(chromium, page_file) as page:
        page.evaluate("for (let step = 0; step < 5; step++) showStep(step)")
        page.get_by_role("searchbox").fill("<img")
        page.locator(ROWS).nth(1).click()
        assert page.evaluate("window.hacked === undefined")
        assert page.locator("img, iframe, object, embed, #app script").count() == 0
        assert page.locator("pre.text", has_text="window.hacked").count() > 0
        shows(page.locator(".answers"), re.compile(re.escape("\\u{202e}")))


FILTERING = """([name, value]) => {
  const begun = performance.now(); form.elements[name].value = value; filter(); return performance.now() - begun;
}"""


def test_five_thousand_items_are_fluid(chromium: Any, tmp_path: Path) -> None:
    """Times are for a busy machine; docs/viewer.md has those of a quiet one."""
    task = task_of(limit=6)
    (item,) = items_of_pairs([(ev.to_row(task), [chain_of(task)])])
    items = [replace(item, id=f"item {number}", level=1 + number % 6) for number in range(5_000)]
    with OpenPage(chromium, write(tmp_path / "page.html", items)) as page:
        assert page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd") < 30_000
        assert page.evaluate("document.querySelectorAll('*').length") < 3_000
        assert page.evaluate(FILTERING, ["level", "4"]) < 2_000
        shows(page.locator("#count"), "833 items of 5,000")
        assert page.evaluate(FILTERING, ["text", "item 4999"]) < 20_000, "the first search reads every item"
        page.evaluate("clear()")
        page.evaluate("list.scrollTop = list.scrollHeight")
        page.wait_for_selector("#option-4999")


def test_a_notebook_frame_works(chromium: Any, tmp_path: Path) -> None:
    file = tmp_path / "notebook.html"
    trace = ev.trace(ev.Program(LOOP, arguments="[1, 5]"), limits=LIMITS)
    file.write_text(f"<!DOCTYPE html><body data-ready='1'>{notebook_html(trace)}</body>", encoding="utf-8")
    with OpenPage(chromium, file) as page:
        frame = page.frame_locator("iframe")
        frame.get_by_role("button", name="One step forward").click()
        starts(frame.locator(STATUS), "Step 2 of ")


def test_an_item_without_a_run_has_numbered_lines(chromium: Any, tmp_path: Path) -> None:
    item = ViewItem("reval", "path", None, source="def f(a):\n    a += 1\n    return a", call="f(1)")
    with OpenPage(chromium, write(tmp_path / "page.html", [item])) as page:
        starts(page.locator("#stepper .code li").nth(2), "3")
