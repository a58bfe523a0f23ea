"""The table of holidays comes in from a file."""

from pathlib import Path

from geodata.encoding import decode_file
from gridsvc.casework.calendars import read_calendar
from gridsvc.casework.clocks import Calendar
from gridsvc.domain.errors import Fault, LayerError, SettingsError
from gridsvc.domain.words import Text


def load_calendar(path: Path | None) -> Calendar:
    """The calendar of a CSV file in UTF-8 or GBK; None: Monday to Friday all year.

    Raises
    ------
    SettingsError
        The file cannot be opened, or is not text.
    InputError
        Every fault of what is in it.
    """
    if path is None:
        return Calendar()
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        wrong = Text(
            f"节假日表 {path} 无法打开（{reason}）：请核对路径，或清空此设置",
            f"the table of holidays {path} cannot be opened ({reason}): correct the path, or empty "
            "this setting",
        )
        raise SettingsError(Fault("holidays_unreadable", wrong, "GRIDSVC_HOLIDAYS")) from error
    try:
        text, _ = decode_file(data, encoding=None, source=path.name)
    except LayerError as error:
        wrong = Text(
            f"节假日表 {path} 的文字编码无法识别：请另存为 UTF-8 编码的 CSV",
            f"the table of holidays {path} is in no encoding that was recognised: save it as CSV "
            "in UTF-8",
        )
        raise SettingsError(Fault("holidays_unreadable", wrong, "GRIDSVC_HOLIDAYS")) from error
    return read_calendar(text)
