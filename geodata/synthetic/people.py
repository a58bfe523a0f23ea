"""The county's people: made-up names, telephone numbers that cannot exist, homes, reach."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from geodata.synthetic.county import County
from geodata.synthetic.settle import Ints
from geodata.synthetic.size import Streams
from gridsvc.domain.force import Capability as C
from gridsvc.domain.force import Role, Vehicle
from gridsvc.domain.geo import Datum, Floats, Geometries

MARK = "（演示）"
"""Ends every made-up person's name."""

_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
_GIVEN = "春夏秋冬晨曦朝晚云雨雪风山川河湖松柏梅兰竹菊荷稻麦禾田园平安顺和"
_DEPARTMENTS = (
    ("应急管理局", (C.FOREST_FIRE, C.TRADE)),
    ("人力资源和社会保障局", (C.TRADE,)),
    ("住房和城乡建设局", (C.TRADE,)),
    ("自然资源局", (C.TRADE,)),
    ("交通运输局", (C.TRADE,)),
    ("水务局", (C.TRADE,)),
    ("供电局", (C.TRADE,)),
    ("综合行政执法局", (C.TRADE, C.ORDER)),
    ("民政局", (C.TRADE,)),
    ("妇女联合会", (C.TRADE, C.ORDER)),
    ("林业和草原局", (C.FOREST_FIRE,)),
    ("卫生健康局", (C.FIRST_AID, C.TRADE)),
)
_EQUIPMENT = (
    "防刺手套;强光手电;扩音喇叭;反光背心;急救包;灭火器;对讲机",
    "强光手电;扩音喇叭;反光背心;急救包;救生圈;救生绳;对讲机",
    "强光手电;扩音喇叭;反光背心;急救包;二号工具;风力灭火机;对讲机",
)


@dataclass(frozen=True)
class _Reach:
    """Shares of a role with an app, reachable at night, on a motorcycle, in a car."""

    app: float
    night: float
    motorcycle: float
    car: float = 0.0


_REACH = {
    Role.SENTINEL: _Reach(0.40, 0.45, 0.50),
    Role.GRID_WORKER: _Reach(0.92, 0.60, 0.62, 0.08),
    Role.MEDIATOR: _Reach(0.70, 0.40, 0.45, 0.10),
    Role.DOCTOR: _Reach(0.85, 0.80, 0.55, 0.20),
    Role.TOWNSHIP_TEAM: _Reach(1.0, 1.0, 0.0, 1.0),
    Role.AMBULANCE: _Reach(1.0, 1.0, 0.0, 1.0),
    Role.FIRE_CREW: _Reach(1.0, 1.0, 0.0, 1.0),
    Role.DEPARTMENT: _Reach(1.0, 0.5, 0.0, 1.0),
}
_CAN = {
    Role.SENTINEL: (C.FIRST_ON_SCENE,),
    Role.GRID_WORKER: (C.GRID_DUTY,),
    Role.MEDIATOR: (C.MEDIATION,),
    Role.DOCTOR: (C.FIRST_AID,),
    Role.TOWNSHIP_TEAM: (C.ORDER,),
    Role.AMBULANCE: (C.AMBULANCE, C.FIRST_AID),
    Role.FIRE_CREW: (C.FIRE, C.FOREST_FIRE),
}


@dataclass(frozen=True)
class _Post:
    """One place to fill: identity, area, home (lng, lat) and what a crew is called."""

    id: str
    role: Role
    area: str
    home: Floats
    can: tuple[C, ...]
    crew: str = ""


def make_people(county: County, end: pd.Timestamp, streams: Streams) -> pd.DataFrame:
    """Everybody who can be sent, as the canonical table of responders, sorted by id.

    Parameters
    ----------
    county
        The areas.
    end
        The last live positions are from the day before this (aware).
    streams
        Of the build.

    Returns
    -------
    DataFrame
        ``id name role area phone capabilities app night on_duty vehicle lng lat datum live_lng
        live_lat live_at``; homes in CGCS2000 degrees with 7 decimals.
    """
    posts = sorted(_posts(county, streams), key=lambda post: post.id)
    count = len(posts)
    homes = np.round(np.array([post.home for post in posts]), 7)
    reach = [_REACH[post.role] for post in posts]
    rng = streams("reach")
    chance = rng.random((4, count))
    app = chance[0] < np.array([r.app for r in reach])
    night = chance[1] < np.array([r.night for r in reach])
    cycle, car = (np.array([getattr(r, name) for r in reach]) for name in ("motorcycle", "car"))
    vehicle = np.where(
        chance[2] < cycle,
        Vehicle.MOTORCYCLE.value,
        np.where(chance[2] < cycle + car, Vehicle.CAR.value, Vehicle.FOOT.value),
    )
    lay = np.array([post.role.lay and post.role is not Role.SENTINEL for post in posts])
    on_duty = ~lay | (chance[3] < 0.9)
    table = pd.DataFrame(
        {
            "id": [post.id for post in posts],
            "name": _names(posts, streams("names of people")),
            "role": [post.role.value for post in posts],
            "area": [post.area for post in posts],
            "phone": [f"000{number:08d}" for number in range(1, count + 1)],
            "capabilities": [";".join(c.value for c in post.can) for post in posts],
            "app": app,
            "night": night,
            "on_duty": on_duty,
            "vehicle": vehicle,
            "lng": homes[:, 0],
            "lat": homes[:, 1],
            "datum": Datum.CGCS2000.value,
        }
    )
    return _with_live(table, end, streams("live positions"))


def make_equipment(county: County, people: pd.DataFrame, streams: Streams) -> pd.DataFrame:
    """One equipment set (防处装备) a village: where it is kept, what is in it, who keeps it."""
    rng = streams("equipment")
    keepers = people[people["role"] == Role.GRID_WORKER.value]
    first = keepers.assign(village=keepers["area"].str[:12]).drop_duplicates("village")
    keeper = dict(zip(first["village"], first["id"], strict=True))
    count = len(county.village_codes)
    at = _in_unit(county, _units_at(county, county.village_at), rng, 0.3)
    return pd.DataFrame(
        {
            "id": [f"E{code}" for code in county.village_codes],
            "name": [f"{name}防处装备{MARK}" for name in county.village_names],
            "area": county.village_codes,
            "items": [_EQUIPMENT[k] for k in rng.integers(0, len(_EQUIPMENT), count)],
            "keeper": [keeper.get(code, "") for code in county.village_codes],
            "lng": np.round(at[:, 0], 7),
            "lat": np.round(at[:, 1], 7),
            "datum": Datum.CGCS2000.value,
        }
    )


def _posts(county: County, streams: Streams) -> list[_Post]:
    homes = _sentinel_homes(county, streams("homes"))
    posts = [
        _Post(f"S{code}", Role.SENTINEL, code, homes[k], _CAN[Role.SENTINEL])
        for k, code in enumerate(county.unit_codes)
    ]
    biggest = np.lexsort((-county.unit_residents, county.unit_grid))
    first = biggest[np.unique(county.unit_grid[biggest], return_index=True)[1]]
    at = _in_unit(county, first, streams("homes of workers"), 0.5)
    posts += [
        _Post(f"W{code}", Role.GRID_WORKER, code, at[k], _CAN[Role.GRID_WORKER])
        for k, code in enumerate(county.grid_codes)
    ]
    return posts + _village_posts(county, streams("villages")) + _crews(county, streams("crews"))


def _village_posts(county: County, rng: np.random.Generator) -> list[_Post]:
    village_of_unit = county.grid_village[county.unit_grid]
    posts = []
    for number, code in enumerate(county.village_codes):
        own = np.flatnonzero(village_of_unit == number)
        mediators = int(rng.integers(3, 6))
        weight = county.unit_residents[own] / county.unit_residents[own].sum()
        units = rng.choice(own, mediators + 1, p=weight)
        at = _in_unit(county, units, rng, 0.6)
        posts += [
            _Post(f"M{code}{k + 1:02d}", Role.MEDIATOR, code, at[k], _CAN[Role.MEDIATOR])
            for k in range(mediators)
        ]
        posts.append(_Post(f"V{code}", Role.DOCTOR, code, at[-1], _CAN[Role.DOCTOR]))
    return posts


def _crews(county: County, rng: np.random.Generator) -> list[_Post]:
    """A team, an ambulance and a fire brigade a township, at its seat; the county's departments."""
    seats = _units_at(county, county.village_at[county.township_seat])
    posts = []
    for number, township in enumerate(county.table.townships):
        at = _in_unit(county, np.repeat(seats[number], 3), rng, 0.5)
        for k, (letter, role, crew) in enumerate(
            (
                ("T", Role.TOWNSHIP_TEAM, "处置队"),
                ("A", Role.AMBULANCE, "救护车"),
                ("F", Role.FIRE_CREW, "专职消防队"),
            )
        ):
            name = township.name + crew
            posts.append(
                _Post(letter + township.code, role, township.code, at[k], _CAN[role], name)
            )
    at = _in_unit(county, np.repeat(seats[0], len(_DEPARTMENTS)), rng, 0.6)
    for k, (name, can) in enumerate(_DEPARTMENTS):
        crew = county.table.name + name
        posts.append(
            _Post(
                f"D{county.table.code}{k + 1:02d}",
                Role.DEPARTMENT,
                county.table.code,
                at[k],
                can,
                crew,
            )
        )
    return posts


def _units_at(county: County, at: Floats) -> Ints:
    """The unit that each position lies in or is nearest to."""
    tree = shapely.STRtree(county.unit_shapes)
    return np.asarray(tree.nearest(shapely.points(at)), dtype=np.intp)


def _sentinel_homes(county: County, rng: np.random.Generator) -> Floats:
    """A home inside each unit: of three tries the one nearest to the village's centre."""
    count = len(county.unit_codes)
    centre = county.village_at[county.grid_village[county.unit_grid]]
    tries = np.stack([_in_unit(county, np.arange(count), rng, 0.7) for _ in range(3)])
    away = ((tries - centre[None, :, :]) ** 2).sum(axis=2)
    return np.asarray(tries[away.argmin(axis=0), np.arange(count)])


def _in_unit(
    county: County, units: Sequence[int] | Ints,
    rng: np.random.Generator, reach: float,
) -> Floats:  # fmt: skip
    """A position inside each of ``units``, at most ``reach`` of the way from its middle to a
    vertex of its edge; the middle itself where the edge bends in between."""
    numbers = np.asarray(units, dtype=np.intp)
    return inside(county.unit_shapes[numbers], county.unit_at[numbers], rng, reach)


def inside(shapes: Geometries, middle: Floats, rng: np.random.Generator, reach: float) -> Floats:
    """A position inside each shape between its middle (inside, ``(n, 2)`` degrees) and an edge."""
    shells = shapely.get_exterior_ring(shapely.get_geometry(shapes, 0))
    size = shapely.get_num_coordinates(shells)
    corner = shapely.get_coordinates(
        shapely.get_point(shells, np.floor(rng.random(len(size)) * size).astype(np.intp))
    )
    step = np.sqrt(rng.random((len(size), 1))) * reach
    at = np.round(middle + step * (corner - middle), 7)
    good = shapely.contains_xy(shapes, at[:, 0], at[:, 1])
    return np.where(good[:, None], at, middle)


def _names(posts: Sequence[_Post], rng: np.random.Generator) -> list[str]:
    count = len(posts)
    first = rng.integers(0, len(_SURNAMES), count)
    second, third = rng.integers(0, len(_GIVEN), (2, count))
    short = rng.random(count) < 0.25
    return [
        (post.crew or _SURNAMES[a] + _GIVEN[b] + ("" if s else _GIVEN[c])) + MARK
        for post, a, b, c, s in zip(posts, first, second, third, short, strict=True)
    ]


def _with_live(table: pd.DataFrame, end: pd.Timestamp, rng: np.random.Generator) -> pd.DataFrame:
    """A last position for half of those with the app, within some 300 m of home."""
    count = len(table)
    has = table["app"].to_numpy() & (rng.random(count) < 0.5)
    off = rng.normal(0, 0.0015, (count, 2))
    ago = pd.to_timedelta(np.floor(rng.exponential(5400, count)).clip(10, 86_000), unit="s")
    seen = (end - ago).strftime("%Y-%m-%dT%H:%M:%S+08:00")
    table["live_lng"] = np.where(has, np.round(table["lng"].to_numpy() + off[:, 0], 7), np.nan)
    table["live_lat"] = np.where(has, np.round(table["lat"].to_numpy() + off[:, 1], 7), np.nan)
    table["live_at"] = np.where(has, seen, "")
    return table
