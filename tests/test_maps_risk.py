"""What the risk page says, counted again by hand from the data it carries."""

import json
import re
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import shapely

from gridsvc.domain.area import PublishedMap
from gridsvc.domain.kinds import KINDS, KINDS_BY_CODE, Category
from gridsvc.risk.rates import MIN_COUNT, Rates
from maps.assets import LEAFLET_JS, AssetMode, text
from maps.legend import legend_rows, make_legend, number_text
from maps.risk import risk_page
from maps.shapes import map_shapes
from tests.maps_county import EVIL, LAST_DAY, Counts, jagged_map, made_up_counts

PERIOD = (LAST_DAY - timedelta(days=89), LAST_DAY)
COUNTY = jagged_map(12, 12)
COUNTS = made_up_counts(COUNTY)
SHAPES = map_shapes(COUNTY)


def page_of(counts: Counts = COUNTS, **options: Any) -> str:
    return risk_page(COUNTY, counts, **{"period": PERIOD, "shapes": SHAPES, **options})


def carried(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="risk-data">(.*?)</script>', page)
    assert found
    return dict(json.loads(found[1]))


def figures(page: str) -> dict[str, dict[str, Any]]:
    """Properties of the features by grid code."""
    features = carried(page)["grids"]["features"]
    return {each["properties"]["c"]: each["properties"] for each in features}


def expected(categories: set[Category], period: tuple[date, date] = PERIOD) -> Counter[str]:
    """Reports a grid should show, straight from the table."""
    total: Counter[str] = Counter()
    for code, of_grid in COUNTS.items():
        for (day, name, _), number in of_grid.items():
            kind = KINDS_BY_CODE[name]
            if period[0] <= day <= period[1] and kind.category in categories and not kind.sensitive:
                total[code] += number
    return total


@pytest.mark.parametrize(
    "categories", [set(Category), {Category.DISPUTE}, {Category.EMERGENCY, Category.VIOLATION}]
)
def test_counts_leave_out_sensitive_kinds_other_categories_and_other_days(
    categories: set[Category],
) -> None:
    page = page_of(categories=categories)
    wanted = expected(categories)
    found = figures(page)
    assert len(found) == len(COUNTY.grids)
    shown = {code: about["i"] for code, about in found.items() if "i" in about}
    assert shown == {code: n for code, n in wanted.items() if n >= MIN_COUNT}
    assert f"<dd>{sum(wanted.values()):,}</dd>" in page


def test_a_grid_with_few_reports_carries_no_figure_at_all() -> None:
    wanted = expected(set(Category))
    few = [code for code, n in wanted.items() if n < MIN_COUNT]
    assert few
    found = figures(page_of())
    for code in few:
        assert set(found[code]) <= {"c", "n", "v", "t"}


def test_the_period_holds_both_its_ends() -> None:
    code = COUNTY.grids[0].code
    kind = "neighbour_quarrel"
    day = timedelta(days=1)
    days = (PERIOD[0] - day, PERIOD[0], PERIOD[1], PERIOD[1] + day)
    counts = {code: {(each, kind, 4): 3 for each in days}}
    assert figures(page_of(counts))[code]["i"] == 6


def test_weights_and_rates_are_those_of_the_docstring() -> None:
    grid = COUNTY.grids[0]
    counts: Counts = {
        grid.code: {
            (LAST_DAY, "road_accident", 1): 2,
            (LAST_DAY - timedelta(days=30), "waste_sewage", 4): 4,
        }
    }
    about = figures(page_of(counts))[grid.code]
    assert grid.residents
    assert (about["i"], about["w"]) == (6, "18.0")
    assert about["q"] == number_text(18.0 / grid.residents * 1000)


def test_the_top_list_is_the_ten_highest_shown_rates() -> None:
    page = page_of()
    places = [int(place) for place in re.findall(r'data-place="(\d+)"', page)]
    features = carried(page)["grids"]["features"]
    rate = [float(each["properties"].get("r", "-1").replace(",", "")) for each in features]
    assert len(places) == 10
    assert (
        sorted((rate[place] for place in places), reverse=True) == sorted(rate, reverse=True)[:10]
    )


def test_the_same_arguments_give_the_same_page() -> None:
    assert page_of() == page_of()


@pytest.mark.parametrize("base", list(AssetMode))
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_address_remains_but_those_inside_leaflets_own_text(base: AssetMode, lang: str) -> None:
    page = page_of(base=base, lang=lang, view="surface")
    ours = page.replace(text(LEAFLET_JS), "")
    assert (len(ours) < len(page)) == (base is AssetMode.EMBEDDED)
    assert re.findall(r"(?:https?:)?//[a-z0-9-]+(?:\.[a-z0-9-]+)+", ours, re.I) == []
    everywhere = set(re.findall(r"https?://([^/\s'\"]+)", page))
    assert everywhere <= {"leafletjs.com", "www.w3.org"}
    for attribute in re.findall(r'(?:src|href|action)="([^"]*)"', ours):
        assert attribute.startswith(("/static/", "/maps/", "/?", "data:")), attribute
    if base is AssetMode.EMBEDDED:
        assert "/static/" not in page
        assert "<form" not in page
        assert not re.search(r"<(?:link|script)[^>]+(?:src=|stylesheet)", ours)


def test_what_a_reader_must_be_told() -> None:
    page = page_of()
    for words in ("上报量,非发生率", "演示数据", "地图版本 7", "2026-08-26 至 2026-11-23", "90 天"):
        assert words in page
    assert 'lang="zh-CN"' in page
    assert "演示数据" not in risk_page(replace(COUNTY, demo=False), COUNTS, period=PERIOD)
    english = page_of(lang="en")
    assert "what was reported, not what happened" in english
    assert "DEMO DATA" in english
    assert 'lang="en"' in english
    plain = re.sub(
        r"<script.*?</script>|<ol.*?</ol>|<h1>罗平县|<title>罗平县|>中文</a>",
        "",
        english,
        flags=re.S,
    )
    assert not re.search(r"[\u4e00-\u9fff]", plain)


def test_names_are_text_and_never_markup() -> None:
    county = jagged_map(6, 6, evil=True)
    page = risk_page(county, made_up_counts(county, each=30), period=PERIOD)
    assert "<img" not in page
    assert EVIL in {each.get("n") for each in figures(page).values()}


def test_a_map_without_residents_says_why_it_is_empty() -> None:
    bare = tuple(replace(grid, residents=None) for grid in COUNTY.grids)
    page = risk_page(replace(COUNTY, grids=bare), COUNTS, period=PERIOD)
    assert "没有可显示数值的网格" in page
    assert "无人口数据" in page
    assert all(about.get("x") == 1 for about in figures(page).values())


def test_no_reports_is_a_page_too() -> None:
    page = page_of({})
    assert "没有可显示数值的网格" in page
    assert "data-place" not in page


def test_reports_from_a_grid_the_map_no_longer_has_are_not_counted() -> None:
    counts: Counts = {"530324999001001": {(LAST_DAY, "fight", 1): 9}}
    assert "<dd>0</dd>" in page_of(counts)


def test_a_period_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="before it starts"):
        page_of(period=(LAST_DAY, LAST_DAY - timedelta(days=1)))


def test_a_map_without_grids_is_refused() -> None:
    with pytest.raises(ValueError, match="without grids"):
        risk_page(PublishedMap(1, (), (), ()), {}, period=PERIOD)


def _rates(values: list[float]) -> Rates:
    array = np.array(values)
    return Rates(np.full(len(values), 9), array, array, array)


def test_legend_classes_cover_every_shown_grid_once() -> None:
    values = np.random.default_rng(3).lognormal(3, 1, 5000)
    legend = make_legend(_rates(values.tolist()))
    assert sum(legend.grids) == 5000
    assert legend.colours == (0, 1, 2, 3, 4, 5)
    cuts = legend.breaks
    assert cuts == tuple(sorted(set(cuts)))
    inside = [int(((values >= a) & (values < b)).sum()) for a, b in pairwise(cuts)]
    assert list(legend.grids[1:-1]) == inside
    words = [row[1] for row in legend_rows(legend, "en")]
    assert words[0].endswith("and more")
    assert words[-1].startswith("below")


@pytest.mark.parametrize(
    ("values", "classes"), [([], 0), ([5.0], 1), ([5.0] * 9, 1), ([5.0, 5.1], 1), ([1.0, 100.0], 6)]
)
def test_legends_of_few_values(values: list[float], classes: int) -> None:
    legend = make_legend(_rates(values))
    assert len(legend.grids) == classes
    assert len(legend_rows(legend, "zh")) == classes
    assert sum(legend.grids) == len(values)


def test_sensitive_kinds_exist_to_be_left_out() -> None:
    sensitive = {kind.code for kind in KINDS if kind.sensitive}
    assert {"domestic_violence", "self_harm_drowning"} <= sensitive
    code = COUNTY.grids[0].code
    counts: Counts = {code: {(LAST_DAY, kind, 1): 50 for kind in sensitive}}
    assert "i" not in figures(page_of(counts))[code]


def test_features_carry_the_shapes_of_the_map() -> None:
    features = carried(page_of())["grids"]["features"]
    shapes = shapely.from_geojson([json.dumps(each["geometry"]) for each in features])
    assert shapely.coverage_is_valid(shapes)
