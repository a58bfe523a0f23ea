"""A county to ask from Python: ``gridsvc.open`` and ``gridsvc.from_frames``.

Nothing here writes to the store.
"""

from collections.abc import Collection
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy.typing as npt

from geodata.frames import incidents_frame, responders_frame
from geodata.layer import LayerKind
from gridsvc.casework.clocks import Calendar
from gridsvc.coverage.groups import Group, State
from gridsvc.dispatch import ForceIndex, Ranking
from gridsvc.domain.errors import Fault, InputError, NotReadyError
from gridsvc.domain.geo import Datum
from gridsvc.domain.incident import Placement
from gridsvc.domain.kinds import Category
from gridsvc.domain.words import Lang, Text
from gridsvc.flows import asking, mapping, positions
from gridsvc.flows.exporting import areas_frame
from gridsvc.flows.frames import map_of, responders_of
from gridsvc.flows.scene import Scene
from gridsvc.flows.standby_places import StandbyPlaces
from gridsvc.locating import GridMap
from gridsvc.runtime import Runtime, now
from gridsvc.settings import Settings
from gridsvc.travel.straight import StraightLine
from maps.notebook import MapPage

if TYPE_CHECKING:
    import geopandas as gpd

    from maps.risk import View


class County:
    """A county as it was when it was opened: where a place is, who could be there first, maps.

    Longitude comes first everywhere and is named. Positions are CGCS2000 degrees (or WGS 84, the
    same within a metre) unless ``datum`` says otherwise. Incidents are read when they are asked
    for; the map, the force and who is taken stay as they were at the opening.
    """

    def __init__(self, scene: Scene, grid_map: GridMap, runtime: Runtime | None = None) -> None:
        self.grid_map = grid_map
        self._scene = scene
        self._runtime = runtime
        self._lang: Lang = Settings.read().lang if runtime is None else runtime.settings.lang

    @classmethod
    def open(cls, data: str | Path | None = None, *, url: str | None = None) -> Self:
        """Open the store of a county. Close it at the end, or use ``with``.

        Parameters
        ----------
        data
            The folder that holds all data, ``GRIDSVC_DATA`` by default.
        url
            Of a store elsewhere; ``GRIDSVC_DATABASE_URL`` counts where neither is given.

        Raises
        ------
        NotReadyError
            There is no store, its schema is not this program's, or it holds no map yet.
        SettingsError
            The address is not one of a store.
        """
        given: dict[str, object] = {}
        if data is not None:
            given["data"] = Path(data)
        if data is not None or url is not None:
            given["database_url"] = url or ""
        settings = Settings.read(**given)
        if settings.embedded and not settings.file.is_file():
            raise NotReadyError(_no_store(settings.data))
        runtime = Runtime.open(settings)
        try:
            return cls(runtime.scene(), runtime.map(), runtime)
        except NotReadyError:
            runtime.close()
            raise

    @classmethod
    def from_frames(
        cls,
        *,
        grids: "gpd.GeoDataFrame",
        units: "gpd.GeoDataFrame | None" = None,
        divisions: "gpd.GeoDataFrame | None" = None,
        responders: "gpd.GeoDataFrame | None" = None,
        demo: bool = False,
    ) -> Self:
        """A county straight from frames, without a store and so without incidents.

        Parameters
        ----------
        grids, units, divisions
            As `gridsvc.GridMap.from_frames` takes them.
        responders
            Columns ``id``, ``name``, ``role``, ``area`` and points, and any others of
            `responders`.
        demo
            Made-up data: every map drawn of it says so.

        Raises
        ------
        InputError
            Every fault of the map's frames, or else of the responders.
        """
        scheme = Settings.read().code_scheme
        grid_map = map_of(grids, units, divisions, scheme=scheme, demo=demo)
        people = () if responders is None else responders_of(responders, grid_map, now=now())
        force = ForceIndex(tuple(people), grid_map.frame)
        return cls(Scene(grid_map, force, StraightLine(), Calendar(), {}), grid_map)

    def close(self) -> None:
        """Close the store, where there is one."""
        if self._runtime is not None:
            self._runtime.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        published = self.grid_map.published
        name = published.county_name
        return (
            f"<County {name and name + ', '}{len(published.grids)} grids, "
            f"{len(published.units)} units, {len(self._scene.force)} responders>"
        )

    def locate(
        self,
        *,
        lng: float,
        lat: float,
        datum: str = Datum.CGCS2000,
        radius_m: float | None = None,
    ) -> Placement:
        """Where a position lies.

        Parameters
        ----------
        lng, lat
            Degrees of ``datum``: wgs84, cgcs2000, gcj02, bd09 or unknown.
        radius_m
            How well it is known, at most 5,000 metres: areas across an edge within it (at least
            30 m) are told as neighbours. ``unknown`` adds 400.

        Raises
        ------
        InputError
            All that is wrong with the position.
        """
        return positions.locate(
            self.grid_map,
            lng=lng,
            lat=lat,
            datum=asking.one_of(Datum, datum, "datum"),
            radius_m=radius_m,
        )

    def locate_many(
        self, *, lng: npt.ArrayLike, lat: npt.ArrayLike, datum: str = Datum.CGCS2000
    ) -> "gpd.GeoDataFrame":
        """Where n positions lie, as points with their areas, in the order given.

        Parameters
        ----------
        lng, lat
            Degrees of ``datum``, shape (n,).

        Returns
        -------
        geopandas.GeoDataFrame
            Columns ``unit``, ``grid``, ``village``, ``township``, ``outside_m`` (metres to the
            nearest grid, whose codes are given; 0 inside) and the points in CGCS2000.

        Raises
        ------
        InputError
            Every kind of bad position, how many there are and the first of them.
        """
        return asking.locate_many(self.grid_map, lng=lng, lat=lat, datum=datum)

    def rank(
        self,
        *,
        lng: float,
        lat: float,
        kind: str,
        urgency: int | None = None,
        text: str = "",
        datum: str = Datum.CGCS2000,
        at: datetime | None = None,
    ) -> Ranking:
        """Who could be there first, and why others are passed over. Nobody is assigned.

        Parameters
        ----------
        kind
            Code of a kind of incident, such as ``sudden_illness`` (`gridsvc.domain.kinds`).
        urgency
            1 (critical) to 4 (ordinary); None: the usual one of the kind.
        text
            What was reported: a weapon or gas named in it makes the card stricter.
        at
            Aware moment, now by default: positions age, and not everybody is reached at night.

        Returns
        -------
        Ranking
            ``chosen`` in order, each with its ``terms`` (seconds) and ``reasons``; ``refused``,
            ``shortfalls``; ``as_json()`` gives it without personal data.

        Raises
        ------
        InputError
            All that is wrong with the question.
        """
        return asking.rank_at(
            self._scene,
            self.grid_map,
            lng=lng,
            lat=lat,
            datum=datum,
            kind=kind,
            urgency=urgency,
            text=text,
            at=at or self._now(),
        )

    def divisions(self) -> "gpd.GeoDataFrame":
        """The county, its townships and villages: ``code, name, level, parent, geometry``."""
        return self._areas(LayerKind.DIVISIONS)

    def grids(self) -> "gpd.GeoDataFrame":
        """The grids: ``code, name, village, kind, residents, worker, phone, geometry``."""
        return self._areas(LayerKind.GRIDS)

    def units(self) -> "gpd.GeoDataFrame":
        """The end units: ``code, name, grid, residents, sentinel, phone, geometry``."""
        return self._areas(LayerKind.UNITS)

    def responders(self) -> "gpd.GeoDataFrame":
        """Who can be sent, by id, home places as points; what they can do joined by ``;``."""
        return responders_frame(self._scene.force.responders)

    def incidents(self, *, since: datetime | None = None) -> "gpd.GeoDataFrame":
        """The incidents received at or after ``since`` (aware; None: all), whole, the sensitive
        kinds and drills among them; a null point where the place is not known.

        Raises
        ------
        GridsvcError
            This county is without a store, or ``since`` without a time zone.
        """
        faults = asking.moment_faults(since)
        if faults:
            raise InputError(faults)
        with self._stored().store.read() as reading:
            return incidents_frame(reading.incidents.all(since=since))

    def risk_map(
        self,
        *,
        days: int = 365,
        categories: Collection[str] = (),
        view: "View" = "grid",
        lang: Lang | None = None,
    ) -> MapPage:
        """What was reported, by grid or as a surface; sensitive kinds are left out.

        Parameters
        ----------
        days
            The last so many days, today included.
        categories
            livelihood, dispute, violation, emergency; none means all.
        lang
            ``zh`` or ``en``; ``GRIDSVC_LANG`` by default.

        Raises
        ------
        NotReadyError
            This county is without a store.
        InputError
            There is no such category.
        """
        from maps.assets import AssetMode
        from maps.risk import risk_page

        wanted = frozenset(asking.one_of(Category, one, "category") for one in categories)
        counts, period = self._stored().reports_of(days=days)
        page = risk_page(
            self.grid_map.published,
            counts,
            period=period,
            categories=wanted or frozenset(Category),
            view=view,
            lang=lang or self._lang,
            base=AssetMode.EMBEDDED,
        )
        return MapPage(page)

    def coverage_map(
        self,
        *,
        group: str = Group.MEDICAL,
        state: str = State.STAFFED,
        minutes: int = 15,
        at: datetime | None = None,
        lang: Lang | None = None,
    ) -> MapPage:
        """Whom a group reaches in 5, 10 and 15 minutes, staffed beside nominal.

        Parameters
        ----------
        group
            sentinels, grid_workers, mediators, medical, order or fire.
        state
            What the map shows first: staffed or nominal.
        minutes
            5, 10 or 15: grids that nobody reaches within it are listed.
        at
            Aware moment, now by default.
        lang
            ``zh`` or ``en``; ``GRIDSVC_LANG`` by default.

        Raises
        ------
        InputError
            No such group or state, or a moment without a time zone.
        ValueError
            Other minutes.
        """
        from maps.assets import AssetMode
        from maps.coverage import coverage_page

        faults = [
            *positions.faults_of(lambda: asking.one_of(Group, group, "group")),
            *positions.faults_of(lambda: asking.one_of(State, state, "state")),
            *asking.moment_faults(at),
        ]
        if faults:
            raise InputError(faults)
        of, places, at = Group(group), self._places, at or self._now()
        found = mapping.coverage(self._scene, places.demand, group=of, at=at, places=places)
        page = coverage_page(
            self.grid_map.published,
            found,
            state=State(state),
            minutes=minutes,
            lang=lang or self._lang,
            base=AssetMode.EMBEDDED,
        )
        return MapPage(page)

    @cached_property
    def _places(self) -> StandbyPlaces:
        return StandbyPlaces.made(self.grid_map)

    def _areas(self, kind: LayerKind) -> "gpd.GeoDataFrame":
        return areas_frame(self.grid_map.published, self._scene.force.responders, kind)

    def _now(self) -> datetime:
        return now() if self._runtime is None else self._runtime.clock()

    def _stored(self) -> Runtime:
        if self._runtime is None:
            raise NotReadyError(_NO_INCIDENTS)
        return self._runtime


_NO_INCIDENTS = Fault(
    "no_incidents",
    Text(
        "由数据框建立的县没有事件：请用 gridsvc.open 打开数据文件夹或数据库",
        "a county made of frames has no incidents: open a data folder or a store with gridsvc.open",
    ),
)


def _no_store(folder: Path) -> Fault:
    return Fault(
        "no_store",
        Text(
            f"文件夹 {folder} 中没有数据：请先执行 gridsvc import，或核对路径",
            f"the folder {folder} holds no data: run gridsvc import first, or correct the path",
        ),
        "data",
    )
