"""CAP 1.2: what services of the world send, and what is wrong with what is wrong."""

import pytest

from geodata.cap import read_cap
from gridsvc.domain.errors import InputError
from tests.alert_samples import cap
from tests.shared import shared_data

FAULTY = {
    "canada_errors.cap": ["alert.references"],
    "invalid.cap": ["alert.scope"],
    "noaa_errors.cap": [
        *("alert.references", "info[1].urgency", "info[1].severity", "info[1].certainty"),
        *("info[1].area[1].polygon[1]", "info[1].area[1].polygon[2]"),
    ],
    "xee.cap": ["body"],
}
"""As their own library finds them faulty, and where."""

SOUND = {
    "australia.cap": (0, 2),
    "canada.cap": (4, 0),
    "canada_signed.cap": (4, 0),
    "earthquake.cap": (0, 1),
    "earthquake-iso8859-1.cap": (0, 1),
    "earthquake_signed.cap": (0, 1),
    "no_optional_fields.cap": (0, 0),
    "wcatwc-warning.cap": (0, 0),
    "weather.cap": (0, 0),
}
"""How many polygons and circles each has."""


@pytest.mark.parametrize("name", SOUND)
def test_sound_messages_are_read(name: str) -> None:
    message = read_cap(shared_data("cap", name).read_bytes())
    polygons = sum(len(info.polygons) for info in message.infos)
    circles = sum(len(info.circles) for info in message.infos)
    assert (polygons, circles) == SOUND[name]
    assert message.sent.utcoffset() is not None


@pytest.mark.parametrize("name", FAULTY)
def test_faulty_messages_tell_every_fault(name: str) -> None:
    with pytest.raises(InputError) as refused:
        read_cap(shared_data("cap", name).read_bytes())
    assert [fault.where for fault in refused.value.faults] == FAULTY[name]


def test_positions_leave_with_the_longitude_first() -> None:
    (info,) = read_cap(cap()).infos
    (polygon,) = info.polygons
    assert polygon.bounds == (104.302, 24.882, 104.315, 24.888)


BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE alert [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>&d;</identifier></alert>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE alert [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>&x;</identifier></alert>"""


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (BOMB, "cap_doctype"),
        (OUTSIDE, "cap_doctype"),
        (b"<a>" * 5000, "cap_too_deep"),
        (b"<alert/>", "cap_not_cap"),
        (b"<alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'>", "cap_not_xml"),
        (b"", "cap_not_xml"),
        (b'<?xml version="1.0" encoding="no-such"?><a/>', "cap_not_xml"),
        (cap()[:-20], "cap_not_xml"),
        (cap().replace(b"Immediate", b"Now"), "cap_value"),
        (cap().replace(b"2026-11-23T09:30:00+08:00", b"2026-13-23T09:30:00+08:00"), "cap_time"),
        (cap().replace(b"2026-11-23T09:30:00+08:00", b"2026-11-23 09:30"), "cap_time"),
        (cap("24.8,104.3 24.9,104.3 24.9,104.4 24.8,104.31"), "cap_polygon"),
        (cap("24.8,104.3 24.9,104.3 24.8,104.3"), "cap_polygon"),
        (cap("104.3,24.8 104.4,24.8 104.4,24.9 104.3,24.8"), "cap_polygon"),
        (cap("nan,104.3 24.9,104.3 24.9,104.4 nan,104.3"), "cap_polygon"),
        (cap(area="<circle>24.8,104.3 -1</circle>"), "cap_circle"),
        (cap(area="<circle>24.8,104.3</circle>"), "cap_circle"),
    ],
)
def test_what_is_wrong_is_refused_by_its_name(content: bytes, code: str) -> None:
    with pytest.raises(InputError) as refused:
        read_cap(content)
    assert [fault.code for fault in refused.value.faults] == [code]
