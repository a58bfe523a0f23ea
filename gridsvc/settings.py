"""The only reader of the environment."""

from pathlib import Path
from typing import Annotated, Self
from urllib.parse import quote

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from gridsvc.domain.codes import CodeScheme
from gridsvc.domain.errors import Fault, SettingsError
from gridsvc.domain.words import Lang, Text


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
    """

    model_config = SettingsConfigDict(env_prefix="GRIDSVC_", env_ignore_empty=True, frozen=True)

    data: Path = Path("var")
    database_url: str = ""
    lang: Lang = "zh"
    county: Annotated[str, Field(pattern=r"^\d{6}$")] = "530324"
    central_meridian: Annotated[float | None, Field(ge=-180, le=180)] = None
    code_scheme: Annotated[CodeScheme, NoDecode] = CodeScheme()
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000

    @field_validator("code_scheme", mode="before")
    @classmethod
    def _scheme(cls, value: object) -> object:
        return CodeScheme.parse(value) if isinstance(value, str) else value

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
                        f"设置无效（当前值 {item.get('input')!r}）：{item['msg']}",
                        f"not a valid setting (now {item.get('input')!r}): {item['msg']}",
                    ),
                    "GRIDSVC_" + "_".join(str(part) for part in item["loc"]).upper(),
                )
                for item in error.errors()
            ]
            raise SettingsError(faults) from error

    @property
    def url(self) -> str:
        """The database's address: the given one, or the embedded file's."""
        file = self.data.absolute() / "gridsvc.sqlite"
        return self.database_url or f"sqlite:///{quote(str(file))}"

    @property
    def embedded(self) -> bool:
        """Whether the store is the SQLite file in the data folder."""
        return not self.database_url
