"""The tables of the book are made from stored results, and say what these say."""

from pathlib import Path

import make_tables
import operations
import pytest

from tutorial_lib.show import tables

ROOT = Path(__file__).resolve().parents[2]

SPEED = {
    "device": "a machine, 2 cores",
    "load_before": 0.1,
    "versions": {"tensorflow": "9.9"},
    "torch_format": "float32 contiguous",
    "batch": 64,
    "rounds": 3,
    "networks": {
        "dcgan": {
            "best": "library float32",
            "loops": {
                "torch": {
                    "images_per_second": 123.456,
                    "library_faster": {"median": 1.234, "min": 1.1, "max": 1.3},
                    "peak_mb": 987.0,
                },
                "library float32": {
                    "images_per_second": 150.0,
                    "library_faster": {"median": 1.0, "min": 1.0, "max": 1.0},
                    "peak_mb": 1200.0,
                },
            },
        }
    },
    "limits": {
        "float32": {
            "gflop_per_image": 0.53,
            "step": 60.0,
            "limits": {"matrix product": 80.0, "convolution": 100.0},
            "share": {"median": 0.6, "min": 0.5, "max": 0.7},
        }
    },
    "profiles": {
        "float32": {
            "flops": {"Conv2D": 90, "MatMul": 10},
            "time": {"Conv2D": 0.5, "Mul": 0.3, "MatMul": 0.1, "Add": 0.1},
        }
    },
    "left_out": ["torch.compile: no compiler"],
}


@pytest.fixture
def stored(monkeypatch):
    monkeypatch.setattr(tables, "load_results", lambda name: {"training_speed": SPEED}[name])


def rows(table: str) -> list[list[str]]:
    lines = [line for line in table.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert len({len(row) for row in cells}) == 1
    return cells[2:]


def test_the_pages_agree_with_the_stored_results():
    pages = [path for pattern in make_tables.FILES for path in ROOT.glob(pattern)]
    for path in pages:
        text = path.read_text("utf-8")
        assert make_tables.fill(text) == text, f"{path.name}: run `make tables`"
    page = (ROOT / "book" / "measurements.md").read_text("utf-8")
    assert {"quality", "speed", "limit", "sampling"} <= set(make_tables.REGION.findall(page))


@pytest.mark.parametrize("name", ["training_speed", "training_speed_half"])
def test_stored_speeds_cover_every_loop_of_tensorflow(name):
    results = tables.load_results(name)
    tensorflow = {"eager", "tutorial", "tutorial with oneDNN", "fit", "library float32"}
    assert ("mixed_bfloat16" in results["limits"]) == (name == "training_speed_half")
    assert tensorflow <= set(results["networks"]["dcgan"]["loops"])
    assert "eager" in results["networks"]["document"]["loops"]
    for network in results["networks"].values():
        for loop in network["loops"].values():
            ratio = loop["library_faster"]
            assert 0 < ratio["min"] <= ratio["median"] <= ratio["max"]
    for limit in results["limits"].values():
        assert 0 < limit["share"]["min"] <= limit["share"]["max"]
    for profile in results["profiles"].values():
        assert sum(profile["time"].values()) == pytest.approx(1, abs=0.01)


def test_a_loop_has_its_speed_and_ratio_and_what_was_left_out_is_said(stored):
    torch, library = rows(tables.speed_table())
    assert torch[1] == "PyTorch, eager, float32 contiguous"
    assert torch[2:] == ["123", "1.23 × (1.10–1.30)", "0.99 GB"]
    assert library[2:] == ["150", "", "1.20 GB"]
    assert "no compiler" in tables.speed_table() and "tensorflow 9.9" in tables.speed_table()


def test_a_busy_machine_is_owned_up_to(stored, monkeypatch):
    assert "not to rely on" not in tables.speed_table()
    monkeypatch.setitem(SPEED, "load_before", 3.21)
    assert "load 3.2" in tables.speed_table()


def test_the_limit_stands_beside_the_step(stored):
    product, convolution, step = rows(tables.limit_table())
    assert product[1:3] == ["large matrix product", "80"] and convolution[2] == "100"
    assert step[2:] == ["60", "0.60 (0.50–0.70)"]


def test_the_profile_names_the_largest_and_sums_up_the_rest(stored):
    table = tables.profile_table(count=2)
    assert rows(table) == [
        ["convolution", "90 %", "50 %"],
        ["Mul", "", "30 %"],
        ["everything else", "", "20 %"],
    ]
    # 0.6 of the limit in all, by operations that take 0.6 of the time
    assert "60 % of the time, at 1.00 of" in table


def test_operations_stand_beside_each_other_and_a_gap_stays_blank(monkeypatch):
    results = {
        "device": "a machine",
        "load_before": 0.1,
        "versions": {"torch": "9.9"},
        "batch": 64,
        "rounds": 3,
        "calls": 25,
        "milliseconds": {
            "float32": {"batch norm": {"tensorflow": 3.21, "library": 1.06, "torch": 0.94}},
            "mixed_bfloat16": {"batch norm": {"tensorflow": 4.5, "torch": 0.5}},
        },
        "left_out": [],
    }
    monkeypatch.setattr(tables, "load_results", {"operation_times": results}.get)
    table = tables.operations_table()
    assert rows(table) == [["batch norm", "3.2", "1.1", "0.9", "4.5", "", "0.5"]]
    assert "the library, bfloat16" in table and "torch 9.9" in table


def test_stored_operations_are_those_of_the_benchmark():
    results = tables.load_results("operation_times")
    assert not results["left_out"]
    for times in results["milliseconds"].values():
        assert len(times) == 5 * len(operations.CONVOLUTIONS)
        assert all({"tensorflow", "torch"} <= set(row) for row in times.values())
        assert all("library" in row for name, row in times.items() if name.startswith("batch"))


def test_bars_are_as_long_as_the_shares_of_the_greatest(stored):
    torch, library = rows(tables.speed_table(bars=True))
    assert torch[2] == '<span class="bar" style="--share:0.823"></span>123'
    assert library[2] == '<span class="bar" style="--share:1.000"></span>150'
    _, convolution, step = rows(tables.limit_table(bars=True))
    assert "--share:1.000" in convolution[2] and "--share:0.600" in step[2]


def card(distance: float, count: int = 10_000) -> dict:
    values = dict.fromkeys(tables.QUALITY, 0.5) | {"frechet_lite0": distance}
    floors = dict.fromkeys(tables.QUALITY, 0.75)
    return {
        "nimg": 1_240_000,
        "minutes": 113.5,
        "device": "a machine",
        "precision": "mixed_bfloat16",
        "metrics": {"count": count, "values": values, "floors": floors},
    }


def test_quality_has_the_best_network_first_with_what_it_took_and_the_floor_last(monkeypatch):
    cards = {"a": card(123.4), "b": {}, "c": card(45.6)}
    monkeypatch.setattr(tables, "available", lambda: sorted(cards))
    monkeypatch.setattr(tables, "load_card", cards.get)
    best, other, floor = rows(tables.quality_table())
    assert best[:4] == ["`c`", "1.24 M", "114", "a machine, bfloat16"]
    assert best[4:6] == ["45.6", "0.5"] and other[4] == "123"
    assert floor[:5] == ["*photographs*, the floor", "", "", "", "0.75"]
    assert tables.quality_table().endswith("10,000 samples of each network.")


def test_each_set_of_images_has_a_row_of_measures():
    values = dict.fromkeys(tables.QUALITY, 0.123456)
    table = tables.measures_table({"blurred": values | {"frechet_lite0": 1234.5}})
    assert rows(table) == [["blurred", "1,230", *["0.123"] * (len(tables.QUALITY) - 1)]]


def test_networks_measured_with_different_counts_are_not_compared(monkeypatch):
    cards = {"a": card(1.0), "b": card(2.0, count=500)}
    monkeypatch.setattr(tables, "available", lambda: sorted(cards))
    monkeypatch.setattr(tables, "load_card", cards.get)
    with pytest.raises(ValueError, match="10,000 and 500|500 and 10,000"):
        tables.quality_table()
    cards["b"] = card(2.0)
    cards["b"]["metrics"]["floors"]["recall"] = 0.6
    with pytest.raises(ValueError, match="different photographs"):
        tables.quality_table()


def test_only_what_stands_between_the_marks_is_replaced(stored, tmp_path, monkeypatch):
    monkeypatch.setitem(make_tables.TABLES, "one", lambda: "| new |")
    page = tmp_path / "book" / "page.md"
    page.parent.mkdir()
    text = "before <!-- end -->\n<!-- table: one -->\n{}<!-- end -->\nafter\n<!-- end -->\n"
    page.write_text(text.format("| old |\n"), "utf-8")
    assert make_tables.rewrite(tmp_path) == [page]
    assert page.read_text("utf-8") == text.format("\n| new |\n\n")
    assert make_tables.rewrite(tmp_path) == []


def test_an_unknown_table_is_refused_and_the_others_are_named(monkeypatch, capsys):
    text = "<!-- table: nonsense -->\n<!-- end -->"
    monkeypatch.setattr(make_tables, "rewrite", lambda: make_tables.fill(text))
    assert make_tables.main() == 2
    message = capsys.readouterr().err
    assert "'nonsense'" in message and "limit half, sampling" in message


@pytest.mark.parametrize(
    "value, text",
    [(0.0123456, "0.0123"), (12.34, "12.3"), (999.6, "1,000"), (1234.5, "1,230"), (0, "0")],
)
def test_numbers_have_three_figures_and_no_exponent(value, text):
    assert tables.figures(value) == text
