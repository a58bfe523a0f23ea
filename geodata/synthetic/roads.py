"""A made-up road network: bent as roads in karst hills are, noded at shared ends.

Roads run between grids that lie next to each other (Delaunay edges); main roads are the cheapest
ways over rough ground between seats and villages, and every other grid hangs on the network by
the cheapest way there is.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra, minimum_spanning_tree
from scipy.spatial import Delaunay, cKDTree

from geodata.synthetic.county import County
from geodata.synthetic.group import Bools
from geodata.synthetic.settle import Ground, Ints
from geodata.synthetic.size import Streams
from gridsvc.domain.geo import SRID, Floats
from gridsvc.domain.topology import union_of

CLASSES = ("provincial", "county", "township", "village")
_SPEED_KMH = (60, 45, 30, 20)
_SURFACE = ("asphalt", "asphalt", "concrete", "gravel")
_BENDS = np.array([0.4, 0.65, 0.8, 0.9])  # how far a bend reaches into its triangle
_TURNS = 5
_IN_TOWN = 0.35  # times as deep there
_REACHED = 0.93  # of the grids have a road
_ABROAD = 50.0  # times as dear: only where the county does not hang together
_LOOPS = 0.08  # of the edges without a road get one
_HUBS = 3  # ways from each village to villages near by


@dataclass(frozen=True)
class _Ground:
    """Where roads can run: places in metres, edges between them, what each costs and bends into.

    ``apex`` has for each edge the middles of the triangles on its two sides; ``town`` says
    which places lie in a town, where roads are straighter;
    ``inside`` which edges stay in the county.
    """

    at: Floats
    pairs: Ints
    cost: Floats
    apex: Floats
    town: Bools
    inside: Bools


def make_roads(county: County, streams: Streams) -> gpd.GeoDataFrame:
    """The roads: ``id class name speed_kmh oneway surface length_m geometry``, LineStrings.

    Every village is on the one connected network, and most grids. Lines meet only at their ends,
    with equal coordinates. Speeds in km/h, lengths in metres, geometry in CGCS2000 degrees.

    Raises
    ------
    RuntimeError
        A village cannot be reached.
    """
    ground = _ground(county, streams("terrain"))
    hubs = _hubs(county, ground)
    rank = _ranks(county, ground, hubs, streams("loops"))
    used = np.flatnonzero(rank >= 0)
    used = used[np.lexsort((ground.pairs[used, 1], ground.pairs[used, 0], rank[used]))]
    lines = _bend(ground, used, rank[used], streams("bends of roads"))
    _check(ground, hubs, used)
    lng, lat = county.frame.back(x=lines[..., 0].ravel(), y=lines[..., 1].ravel())
    xy = np.round(np.column_stack([lng, lat]), 9).reshape(lines.shape)
    shapes = shapely.linestrings(xy)
    kind = rank[used]
    return gpd.GeoDataFrame(
        {
            "id": [f"R{number:06d}" for number in range(1, len(used) + 1)],
            "class": [CLASSES[k] for k in kind],
            "name": _names(county, ground, used, kind),
            "speed_kmh": np.array(_SPEED_KMH, dtype=np.int64)[kind],
            "oneway": np.zeros(len(used), dtype=bool),
            "surface": [_SURFACE[k] for k in kind],
            "length_m": np.round(shapely.length(county.frame.geometries(shapes)), 1),
        },
        geometry=shapes,
        crs=SRID,
    )


def _ground(county: County, rng: np.random.Generator) -> _Ground:
    """Delaunay edges between the biggest units of the grids; ridges make them dear."""
    biggest = np.lexsort((-county.unit_residents, county.unit_grid))
    first = biggest[np.unique(county.unit_grid[biggest], return_index=True)[1]]
    lng, lat = county.unit_at[first].T
    at = np.column_stack(county.frame.points(lng=lng, lat=lat))
    town = county.unit_ground[first] <= Ground.SEAT
    mesh = Delaunay(at)
    pairs, apex = _edges(mesh, at)
    whole = county.frame.geometries([union_of(county.township_shapes, clean=True)])[0]
    shapely.prepare(whole)
    inside = shapely.covers(whole, shapely.linestrings(at[pairs]))
    inside &= shapely.covers(whole, shapely.linestrings(np.stack([apex[:, 0], apex[:, 1]], axis=1)))
    middle = at[pairs].mean(axis=1)
    length = np.hypot(*(at[pairs[:, 0]] - at[pairs[:, 1]]).T)
    return _Ground(
        at,
        pairs,
        length * _roughness(middle, rng) * np.where(inside, 1.0, _ABROAD),
        apex,
        town,
        inside,
    )


def _edges(mesh: Delaunay, at: Floats) -> tuple[Ints, Floats]:
    """Each edge once, with the middles of its two triangles (its own middle beyond the hull)."""
    corners = mesh.simplices.astype(np.intp)
    centre = at[corners].mean(axis=1)
    ends = np.sort(np.vstack([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]]), axis=1)
    which = np.tile(np.arange(len(corners)), 3)
    order = np.lexsort((which, ends[:, 1], ends[:, 0]))
    ends, which = ends[order], which[order]
    new = np.ones(len(ends), dtype=bool)
    new[1:] = (ends[1:] != ends[:-1]).any(axis=1)
    start = np.flatnonzero(new)
    pairs = ends[start]
    two = np.diff(np.append(start, len(ends))) == 2
    apex = np.empty((len(pairs), 2, 2))
    apex[:, 0] = centre[which[start]]
    apex[:, 1] = at[pairs].mean(axis=1)
    apex[two, 1] = centre[which[start[two] + 1]]
    return pairs, apex


def _roughness(at: Floats, rng: np.random.Generator) -> Floats:
    """A smooth field of ridges, about 1 in a valley and 4 on a ridge."""
    field = np.zeros(len(at))
    for _ in range(24):
        wave = rng.uniform(2_500.0, 9_000.0)
        angle, phase = rng.uniform(0, np.pi), rng.uniform(0, 2 * np.pi)
        along = at[:, 0] * np.cos(angle) + at[:, 1] * np.sin(angle)
        field += np.sin(2 * np.pi * along / wave + phase)
    noise = rng.lognormal(0, 0.35, len(at))
    return np.asarray(np.exp(0.45 * field / np.sqrt(12.0) * 1.2).clip(0.6, 5.0) * noise)


def _graph(ground: _Ground, cost: Floats) -> csr_array:
    shape = (len(ground.at), len(ground.at))
    return csr_array(coo_array((cost, (ground.pairs[:, 0], ground.pairs[:, 1])), shape=shape))


def _hubs(county: County, ground: _Ground) -> Ints:
    """The place that stands for each village."""
    lng, lat = county.village_at.T
    centre = np.column_stack(county.frame.points(lng=lng, lat=lat))
    hubs = np.empty(len(centre), dtype=np.intp)
    for number in range(len(centre)):
        own = np.flatnonzero(county.grid_village == number)
        hubs[number] = own[((ground.at[own] - centre[number]) ** 2).sum(axis=1).argmin()]
    return hubs


def _ranks(county: County, ground: _Ground, hubs: Ints, rng: np.random.Generator) -> Ints:
    """Class of each edge as a position in ``CLASSES``; -1 where there is no road."""
    rank = np.full(len(ground.pairs), -1, dtype=np.intp)
    seats = hubs[county.township_seat]
    near = _ways(ground, hubs, _near_pairs(ground.at[hubs], _HUBS))
    _lay(ground, rank, near, 2)
    trunk = _tree_pairs(ground.at[seats])
    _lay(ground, rank, _ways(ground, seats, _near_pairs(ground.at[seats], 3)), 1)
    _lay(ground, rank, _ways(ground, seats, trunk), 0)
    _hang(ground, rank, hubs)
    # Trees alone would make neighbours strangers: some more village roads close loops.
    both = np.zeros(len(ground.at), dtype=bool)
    both[np.unique(ground.pairs[rank >= 0])] = True
    spare = np.flatnonzero((rank < 0) & ground.inside & both[ground.pairs].all(axis=1))
    rank[rng.permutation(spare)[: round(_LOOPS * len(spare))]] = 3
    return rank


def _near_pairs(at: Floats, count: int) -> Ints:
    """Each place with those of its ``count`` nearest that no third place lies between, and a
    spanning tree over all."""
    k = min(count + 1, len(at))
    if k < 2:
        return np.empty((0, 2), dtype=np.intp)
    near = np.asarray(cKDTree(at).query(at, k=k)[1])
    own = np.repeat(np.arange(len(at)), k - 1)
    pairs = np.sort(np.column_stack([own, np.reshape(near[:, 1:], -1)]), axis=1)
    return np.unique(np.vstack([pairs, _tree_pairs(at)]), axis=0)


def _tree_pairs(at: Floats) -> Ints:
    away = np.hypot(*(at[:, None, :] - at[None, :, :]).transpose(2, 0, 1))
    tree = minimum_spanning_tree(away).tocoo()
    return np.sort(np.column_stack([tree.row, tree.col]), axis=1).astype(np.intp)


def _ways(ground: _Ground, places: Ints, pairs: Ints) -> Ints:
    """Edges (as pairs of nodes) of the cheapest ways between pairs of ``places``."""
    if not len(pairs):
        return pairs
    graph = _graph(ground, ground.cost)
    starts = np.unique(pairs[:, 0])
    _, before = dijkstra(graph, directed=False, indices=places[starts], return_predecessors=True)
    row = {int(place): number for number, place in enumerate(starts)}
    steps: list[tuple[int, int]] = []
    for a, b in pairs.tolist():
        back, node = before[row[a]], int(places[b])
        while back[node] >= 0:
            steps.append((int(back[node]), node))
            node = int(back[node])
    return np.unique(np.sort(np.array(steps, dtype=np.intp).reshape(-1, 2), axis=1), axis=0)


def _lay(ground: _Ground, rank: Ints, steps: Ints, value: int) -> None:
    """Give the edges ``steps`` the class ``value``."""
    count = len(ground.at)
    key = ground.pairs[:, 0] * count + ground.pairs[:, 1]
    rank[np.searchsorted(key, steps[:, 0] * count + steps[:, 1])] = value


def _hang(ground: _Ground, rank: Ints, hubs: Ints) -> None:
    """Hang most of the other grids on the network by village roads."""
    on = np.union1d(ground.pairs[rank >= 0], hubs)
    cost = np.where(rank >= 0, ground.cost * 0.5, ground.cost)
    away, before, _ = dijkstra(
        _graph(ground, cost), directed=False, indices=on, min_only=True, return_predecessors=True
    )
    reachable = np.flatnonzero(np.isfinite(away) & (before >= 0))
    count = len(ground.at)
    take = reachable[np.argsort(away[reachable], kind="stable")]
    take = take[: max(0, round(_REACHED * count) - len(on))]
    steps = np.sort(np.column_stack([take, before[take]]), axis=1).astype(np.intp)
    _lay(ground, rank, steps, 3)


def _bend(ground: _Ground, used: Ints, rank: Ints, rng: np.random.Generator) -> Floats:
    """Vertices of each road in metres, ``(n, 2 * turns + 1, 2)``: it swings between the two
    triangles at its sides and passes through the straight line between swings, so that roads
    cannot cross."""
    n = len(used)
    first, last = (ground.at[ground.pairs[used, k]] for k in (0, 1))
    swap = rng.integers(0, 2, n)
    steps = 2 * _TURNS
    depth = _BENDS[rank] * np.where(ground.town[ground.pairs[used]].all(axis=1), _IN_TOWN, 1.0)
    path = [first]
    for k in range(1, steps):
        t = k / steps
        on_line = first + t * (last - first)
        if k % 2 == 0:
            path.append(on_line)
            continue
        side = ground.apex[used, (swap + k // 2) % 2]
        reach = min(t, 1 - t) * 2 * depth * rng.uniform(0.7, 1.0, n)
        path.append(on_line + reach[:, None] * (side - on_line))
    path.append(last)
    return np.stack(path, axis=1)


def _check(ground: _Ground, hubs: Ints, used: Ints) -> None:
    pairs = ground.pairs[used]
    shape = (len(ground.at), len(ground.at))
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=shape)
    _, part = connected_components(graph, directed=False)
    if len(np.unique(part[hubs])) > 1 or len(np.unique(part[pairs])) > 1:
        raise RuntimeError("the roads of the synthetic county do not hang together")


def _names(county: County, ground: _Ground, used: Ints, rank: Ints) -> list[str]:
    """Numbers for main roads, the township's or village's name for the others."""
    village = county.grid_village[ground.pairs[used, 0]]
    township = county.village_township[village]
    named = []
    for k, v, t in zip(rank.tolist(), village.tolist(), township.tolist(), strict=True):
        if k == 0:
            named.append("演示省道S901")
        elif k == 1:
            named.append(f"演示县道X9{t + 1:02d}")
        elif k == 2:
            named.append(f"{county.table.townships[t].name}乡道")
        else:
            named.append(f"{county.village_names[v]}村道")
    return named
