"""Where a report may be that only says it in words: areas of the map whose names occur in them."""

from collections.abc import Iterator

from gridsvc.domain.area import Level, PublishedMap

MOST = 20
"""So many candidates are told."""

_ENDINGS = (
    *("村民委员会", "社区居委会", "居民委员会", "布依族苗族乡", "彝族乡", "布依族乡", "苗族乡"),
    *("村委会", "居委会", "街道", "社区", "行政村", "村", "镇", "乡"),
)
_LEAST = 2
"""A name without its ending must have so many characters to be meant."""

_DEPTH = {Level.TOWNSHIP: 1, Level.VILLAGE: 2, Level.GRID: 3}


def places_named(published: PublishedMap, said: str) -> tuple[str, ...]:
    """Codes of the areas named in ``said``, the best first, at most ``MOST``.

    A finer area comes before a wider one, one whose township or village is named too before one
    that only shares a name with it, a longer name before a shorter one. Names are matched as they
    are; no map is searched where nothing was said.
    """
    if not said:
        return ()
    parents: dict[str, str | None] = {one.code: one.parent for one in published.divisions}
    parents |= {one.code: one.village for one in published.grids}
    found = {code: (depth, length) for code, depth, length in _named(published, said)}
    ranked = []
    for code, (depth, length) in found.items():
        parent, backed = parents.get(code), 0
        while parent is not None:
            backed += found.get(parent, (0, 0))[1]
            parent = parents.get(parent)
        ranked.append((-depth, -backed, -length, code))
    ranked.sort()
    return _without_strays([code for *_, code in ranked], parents, found)


def _without_strays(
    codes: list[str], parents: dict[str, str | None], found: dict[str, tuple[int, int]]
) -> tuple[str, ...]:
    """Leave out what lies in none of the named townships, where one is named that something lies
    in; and the wider areas of what is named more finely."""
    chains = {code: _chain(code, parents) for code in codes}
    inside = [code for code in codes if any(up in found for up in chains[code])]
    wider = {up for code in codes for up in chains[code]}
    kept = inside or [code for code in codes if code not in wider]
    finest = [code for code in kept if code not in wider] or kept
    return tuple(finest[:MOST])


def _chain(code: str, parents: dict[str, str | None]) -> list[str]:
    chain, parent = [], parents.get(code)
    while parent is not None:
        chain.append(parent)
        parent = parents.get(parent)
    return chain


def _named(published: PublishedMap, said: str) -> Iterator[tuple[str, int, int]]:
    """Every area whose name occurs in ``said``: code, depth, length of what matched."""
    for one in published.divisions:
        if one.level in _DEPTH:
            length = _match(one.name, said)
            if length:
                yield one.code, _DEPTH[one.level], length
    for grid in published.grids:
        if grid.name and grid.name in said:
            yield grid.code, _DEPTH[Level.GRID], len(grid.name)


def _match(name: str, said: str) -> int:
    """How many characters of a division's name are in ``said``: all, or those before its ending."""
    if name and name in said:
        return len(name)
    for ending in _ENDINGS:
        short = name.removesuffix(ending)
        if short != name:
            return len(short) if len(short) >= _LEAST and short in said else 0
    return 0
