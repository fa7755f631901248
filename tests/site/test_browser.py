"""Every page in a real browser: it asks no other host, shows its formulas, and fits the screen.

Without Chromium or Chrome these tests skip.
"""

import re
from urllib.parse import quote

import pytest
from built import EXTRA_PAGES, NOTEBOOKS, PAGES, SITE, needs_site

pytestmark = [needs_site, pytest.mark.slow]
each_page = pytest.mark.parametrize("page", [*PAGES, *EXTRA_PAGES])

RAW_TEX = re.compile(r"\\[(\[]|\$\$|\$[^$\n]{1,40}\$|\\[a-z]{3,}")
# Together they have every kind of word that the stylesheet colours.
PAGES_FOR_CODE = [
    f"notebooks/{name}.html"
    for name in ("02_generative_models", "06_gan_losses", "A2_cost_and_devices")
]
# What a reader can see as text, code aside
TEXT = """() => {
    const copy = document.body.cloneNode(true);
    copy.querySelectorAll("pre, code, script, style").forEach(e => e.remove());
    return copy.textContent;
}"""
# Boxes of the article that hold more than they show, and whether the Tab key reaches them
SCROLLING = """() => [...document.querySelectorAll(".bd-article *")].filter(e =>
        e.scrollWidth > e.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(e).overflowX)
    ).map(e => [`${e.tagName}.${e.className}`, e.tabIndex >= 0])"""
# Boxes of the article that cut off what they hold
CUT_OFF = """() => [...document.querySelectorAll(".bd-article *")].filter(e =>
        e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 1
        && /hidden|clip/.test(getComputedStyle(e).overflowX)
    ).map(e => `${e.tagName}.${e.className}: ${e.textContent.slice(0, 80)}`)"""
LOADED_FONTS = """[...document.fonts].filter(font => font.status === "loaded")
    .map(font => font.family.replaceAll('"', ""))"""
# Formulas whose comma stands on another line
PARTED = """() => [...document.querySelectorAll(".bd-article .together")].filter(e => {
        const comma = document.createRange();
        comma.selectNodeContents(e.lastChild);
        const formula = e.querySelector("math").getBoundingClientRect();
        return comma.getBoundingClientRect().left < formula.left;
    }).map(e => e.textContent)"""
BROKEN_PICTURES = """() => [...document.images].filter(image =>
        image.loading !== "lazy" && !(image.complete && image.naturalWidth)
    ).map(image => image.src.slice(0, 80))"""


@each_page
@pytest.mark.parametrize("way", ["server", "sub-path", "disk"])
def test_a_page_is_whole_without_any_other_host(page, way, addresses, open_page):
    tab = open_page()
    troubles = watch(tab, addresses[way])
    tab.goto(f"{addresses[way]}/{page}", wait_until="networkidle")
    assert troubles == []
    assert RAW_TEX.search(tab.evaluate(TEXT)) is None
    assert tab.evaluate(BROKEN_PICTURES) == []
    if tab.locator("math").count():
        assert "Book Math" in tab.evaluate(LOADED_FONTS)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    assert tab.evaluate(CUT_OFF) == []
    assert tab.evaluate(PARTED) == []


def watch(tab, base: str) -> list[str]:
    """A list that gets every request of a tab to another host, and every error."""
    troubles = []

    def judge(request):
        if not request.url.startswith((f"{base}/", "data:", "blob:")):
            troubles.append(f"asks {request.url}")

    tab.on("request", judge)
    tab.on("requestfailed", lambda asked: troubles.append(f"{asked.url}: {asked.failure}"))
    tab.on("response", lambda got: troubles.append(got.url) if got.status >= 400 else None)
    tab.on("pageerror", lambda error: troubles.append(str(error)))
    tab.on("console", lambda line: troubles.append(line.text) if line.type == "error" else None)
    return troubles


@each_page
def test_what_scrolls_sideways_can_be_reached_by_keyboard(page, addresses, open_page):
    tab = open_page(f"{addresses['server']}/{page}")
    found = tab.evaluate(SCROLLING)
    assert [name for name, reached in found if not reached] == []
    # A phone shows about 45 characters of code: every chapter has longer lines.
    assert found or page not in NOTEBOOKS


@pytest.mark.parametrize("kind", ["pre", "div.math"])
def test_arrow_keys_scroll_a_box(kind, addresses, open_page):
    tab = open_page(f"{addresses['server']}/notebooks/05_gan_objective.html")
    box = tab.locator(f".bd-article {kind}[tabindex='0']").first
    box.focus()
    tab.keyboard.press("ArrowRight")
    tab.wait_for_function("box => box.scrollLeft > 0", arg=box.element_handle(), timeout=3000)


@pytest.mark.parametrize("width", [360, 1280])
def test_only_formulas_that_scroll_are_stops_of_the_tab_key(width, addresses, open_page):
    tab = open_page(f"{addresses['server']}/notebooks/05_gan_objective.html", width)
    boxes = tab.locator("div.math").evaluate_all(
        "boxes => boxes.map(e => [e.scrollWidth > e.clientWidth, e.tabIndex >= 0])"
    )
    assert all(scrolls == stop for scrolls, stop in boxes)
    # On a phone some scroll; on a wide screen some need not.
    assert (width == 360) in {scrolls for scrolls, _ in boxes}


@pytest.mark.parametrize("page", NOTEBOOKS)
def test_the_column_shows_80_characters_of_code(page, addresses, open_page):
    tab = open_page(f"{addresses['server']}/{page}", width=1280)
    shown = tab.evaluate(
        """() => {
            const box = document.querySelector(".cell_input pre");
            const line = document.createElement("span");
            line.textContent = "m".repeat(80);
            box.append(line);
            const style = getComputedStyle(box);
            const room = box.clientWidth - parseFloat(style.paddingLeft)
                - parseFloat(style.paddingRight);
            return 80 * room / line.getBoundingClientRect().width;
        }"""
    )
    assert shown >= 80


@pytest.mark.parametrize(
    "words, page",
    [
        ("mode collapse", "notebooks/04_adversarial_game.html"),
        ("Fréchet distance", "notebooks/09_measuring_quality.html"),
        ("Frechet", "notebooks/09_measuring_quality.html"),
        ("FID", "notebooks/09_measuring_quality.html"),
        ("R1", "notebooks/06_gan_losses.html"),
        ("ReZero", "notebooks/08_stable_fast_training.html"),
        ("batch normalization", "notebooks/07_cat_gan.html"),
        ("VAE", "notebooks/03_variational_autoencoder.html"),
    ],
)
@pytest.mark.parametrize("way", ["server", "disk"])
def test_the_search_finds_terms_of_the_field(words, page, way, addresses, open_page):
    tab = open_page()
    troubles = watch(tab, addresses[way])
    tab.goto(f"{addresses[way]}/search.html?q={quote(words)}", wait_until="networkidle")
    tab.wait_for_function(f"""
        [...document.querySelectorAll("#search-results ul.search li a")]
            .some(link => link.href.includes({page!r}))""")
    assert troubles == []
    assert RAW_TEX.search(tab.evaluate(TEXT)) is None


@each_page
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing(page, width, scheme, addresses, open_page):
    tab = open_page(f"{addresses['server']}/{page}", width, scheme)
    assert tab.locator("html").get_attribute("data-theme") == scheme
    assert violations(tab, {"rules": {"color-contrast": {"enabled": False}}}) == []


@each_page
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(page, scheme, addresses, open_page):
    tab = open_page(f"{addresses['server']}/{page}", 1280, scheme)
    # Words of code take axe their time, and a kind of them has one colour on every page.
    context = None if page in PAGES_FOR_CODE else {"exclude": [["pre"]]}
    assert violations(tab, {"runOnly": ["color-contrast"]}, context) == []


def test_the_pages_for_code_have_every_kind_of_word():
    kinds = {}
    for page in PAGES:
        boxes = re.findall(r"<pre>.*?</pre>", (SITE / page).read_text("utf-8"), re.S)
        kinds[page] = {kind for box in boxes for kind in re.findall(r'<span class="(\w+)">', box)}
    assert set().union(*kinds.values()) == set().union(*(kinds[page] for page in PAGES_FOR_CODE))


def violations(tab, options: dict, context: dict | None = None) -> list[str]:
    """What axe finds on a page: each rule that it breaks, with the first place."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(tab, context, {"resultTypes": ["violations"], **options}).response
    return [f"{rule['id']}: {rule['nodes'][0]['html'][:200]}" for rule in found["violations"]]
