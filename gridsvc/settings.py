"""The only reader of the environment."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from gridsvc.domain.codes import CodeScheme
from gridsvc.domain.errors import Fault, SettingsError
from gridsvc.domain.force import Role
from gridsvc.domain.geo import Datum
from gridsvc.domain.words import Lang, Text
from maps.tiles import DATUMS, Tiles, url_fault

MOST_REST_MIN = 24 * 60


class Settings(BaseSettings):
    """What a deployment may choose, each as ``GRIDSVC_<NAME>`` in the environment.

    Attributes
    ----------
    data
        The one folder for all data.
    database_url
        Empty: an SQLite file in ``data``; or ``postgresql://...`` with PostGIS.
    county
        Six-digit code of the county.
    central_meridian
        Of the county's 3-degree Gauss-Kruger zone, degrees east; None: taken from the map.
    code_scheme
        Total code lengths of county, township, village, grid and unit.
    holidays
        CSV file of the state's holidays and make-up days (date, kind, name); None: there are none.
    trust_loopback
        Whether this machine's own user needs no key. False behind a proxy on the same machine:
        what comes through one that tells nothing of it cannot be told from this machine's own.
    speeds
        YAML file with speeds by road class and surface (`gridsvc.travel.speeds`); None: the
        defaults.
    neighbours
        YAML file of the neighbouring counties (code, name, phone, border); None: there is none.
    rest
        Minutes that somebody rests after an assignment, by role: ``ambulance=15,fire_crew=30``.
    channels
        YAML file of the channels that tell people of their assignments; None: nobody is told.
    public_url
        Where responders' telephones reach this service, such as ``https://grid.example``; empty:
        messages hold no link.
    log
        What `gridsvc serve` writes to standard error: json lines or text; None: text on a terminal,
        json elsewhere.
    tiles_url
        Address template of a base map's tiles, such as ``http://host/{z}/{x}/{y}.png``; empty: the
        maps have no base map.
    tiles_attribution
        Whose base map it is, shown on it; must be said where there is one.
    tiles_datum
        What the base map is drawn in: wgs84, cgcs2000 or gcj02. On gcj02 everything is shifted.
    """

    model_config = SettingsConfigDict(env_prefix="GRIDSVC_", env_ignore_empty=True, frozen=True)

    data: Path = Path("var")
    database_url: str = ""
    lang: Lang = "zh"
    county: Annotated[str, Field(pattern=r"^\d{6}$")] = "530324"
    central_meridian: Annotated[float | None, Field(ge=-180, le=180)] = None
    code_scheme: Annotated[CodeScheme, NoDecode] = CodeScheme()
    holidays: Path | None = None
    channels: Path | None = None
    public_url: str = ""
    speeds: Path | None = None
    neighbours: Path | None = None
    rest: Annotated[dict[Role, timedelta], NoDecode] = Field(default_factory=dict)
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    trust_loopback: bool = True
    log: Literal["json", "text"] | None = None
    tiles_datum: Datum = Datum.WGS84
    tiles_url: str = ""
    tiles_attribution: Annotated[str, Field(validate_default=True)] = ""

    @field_validator("code_scheme", mode="before")
    @classmethod
    def _scheme(cls, value: object) -> object:
        return CodeScheme.parse(value) if isinstance(value, str) else value

    @field_validator("rest", mode="before")
    @classmethod
    def _rest(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        found: dict[str, timedelta] = {}
        for part in value.split(","):
            role, _, minutes = part.strip().partition("=")
            if role not in [*Role] or not minutes.isdecimal() or int(minutes) > MOST_REST_MIN:
                allowed = ", ".join(Role)
                raise _refused(
                    Text(
                        f"应为“角色=分钟”，至多 {MOST_REST_MIN} 分钟；角色：{allowed}",
                        f"must be role=minutes, by commas, {MOST_REST_MIN} minutes at most; "
                        f"roles: {allowed}",
                    )
                )
            found[role] = timedelta(minutes=int(minutes))
        return found

    @field_validator("public_url")
    @classmethod
    def _public_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.query
            or parts.fragment
            or not value.isascii()
        ):
            raise _refused(
                Text(
                    "应为 http:// 或 https:// 开头的地址，不带参数",
                    "must be an address that begins with https:// or http://, without a query",
                )
            )
        return value.rstrip("/")

    @field_validator("tiles_datum")
    @classmethod
    def _tiles_datum(cls, value: Datum) -> Datum:
        if value not in DATUMS:
            allowed = "、".join(DATUMS), ", ".join(DATUMS)
            raise _refused(Text(f"底图坐标系只能是 {allowed[0]}", f"must be one of {allowed[1]}"))
        return value

    @field_validator("tiles_url")
    @classmethod
    def _tiles_url(cls, value: str) -> str:
        wrong = url_fault(value) if value else None
        if wrong is not None:
            raise _refused(wrong)
        return value

    @field_validator("tiles_attribution")
    @classmethod
    def _tiles_attribution(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("tiles_url") and not value.strip():
            raise _refused(
                Text("设了底图地址就必须注明底图来源", "must name the source of the base map")
            )
        return value

    @classmethod
    def read(cls, **given: object) -> Self:
        """Read the environment; ``given`` values win over it.

        Raises
        ------
        SettingsError
            With every setting that is wrong.
        """
        try:
            return cls(**given)  # type: ignore[arg-type]
        except ValidationError as error:
            faults = [
                Fault(
                    "bad_setting",
                    Text(
                        f"设置无效（当前值 {item.get('input')!r}）：{_said(item, 'zh')}",
                        f"not a valid setting (now {item.get('input')!r}): {_said(item, 'en')}",
                    ),
                    "GRIDSVC_" + "_".join(str(part) for part in item["loc"]).upper(),
                )
                for item in error.errors()
            ]
            raise SettingsError(faults) from error

    @property
    def file(self) -> Path:
        """The embedded store."""
        return self.data.absolute() / "gridsvc.sqlite"

    @property
    def url(self) -> str:
        """The database's address: the given one, or the embedded file's."""
        return self.database_url or f"sqlite:///{quote(str(self.file))}"

    @property
    def embedded(self) -> bool:
        """Whether the store is the SQLite file in the data folder."""
        return not self.database_url

    @property
    def tiles(self) -> Tiles | None:
        """The base map of the pages, None for none."""
        if not self.tiles_url:
            return None
        return Tiles(self.tiles_url, self.tiles_attribution.strip(), self.tiles_datum)


def _refused(text: Text) -> PydanticCustomError:
    return PydanticCustomError("setting", "{en}", {"zh": text.zh, "en": text.en})


def _said(item: ErrorDetails, lang: Lang) -> str:
    """The words of an error in ``lang``; the library's own are English."""
    return str(item.get("ctx", {}).get(lang, item["msg"]))
