"""What a newcomer is told when the service is ready: what to open, and a first incident."""

import json
import shlex
from typing import TYPE_CHECKING, Any

from gridsvc.domain.errors import NotReadyError
from gridsvc.domain.words import Lang, Text

if TYPE_CHECKING:
    from gridsvc.runtime import Runtime


def first_words(runtime: "Runtime", address: str) -> str:
    """What to open, and a first incident to send with curl that lies inside the county."""
    lang: Lang = runtime.settings.lang
    lines = [
        Text(f"已就绪：{address}", f"Ready: {address}"),
        Text(f"  首页      {address}/", f"  home      {address}/"),
        Text(f"  风险地图  {address}/maps/risk", f"  risk map  {address}/maps/risk"),
    ]
    body = first_incident(runtime, lang)
    if body is not None:
        lines += [
            Text("报送第一起事件：", "Send a first incident:"),
            Text(*[curl(f"{address}/api/v1/incidents", body)] * 2),
        ]
    lines.append(Text("按 Ctrl+C 停止", "Press Ctrl+C to stop"))
    return "\n".join(line.pick(lang) for line in lines)


def first_incident(runtime: "Runtime", lang: Lang) -> dict[str, Any] | None:
    """Make up an incident in the grid with the most residents; None while there is no map."""
    try:
        grid_map = runtime.map()
    except NotReadyError:
        return None
    grids = grid_map.published.grids
    lng, lat = grid_map.centre_of(max(grids, key=lambda grid: grid.residents or 0).code)
    said = Text(
        "老人突然胸痛，呼吸困难", "an old man has sudden chest pain and cannot breathe well"
    )
    return {
        "position": {"lng": round(lng, 6), "lat": round(lat, 6), "datum": "cgcs2000"},
        "category": "emergency",
        "kind": "sudden_illness",
        "text": said.pick(lang),
    }


def curl(url: str, body: dict[str, Any]) -> str:
    """A command for a POSIX shell that posts ``body``."""
    data = shlex.quote(json.dumps(body, ensure_ascii=False))
    return f"  curl -s {url} -H 'Content-Type: application/json' -d {data}"
