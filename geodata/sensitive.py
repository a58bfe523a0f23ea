"""Columns that say too much about people: refused, because whoever sends the file may not know.

The law (Personal Information Protection Law, article 28) calls identity, biometrics, faith,
health, finance and the like sensitive. Such columns are never stored; naming them with
``--allow-column`` only says that one knows they are in the file. Counts of people are no such
columns.

Resident identity numbers are also recognised by content: 18 characters with a date of birth and
the check digit of GB 11643 (ISO 7064 MOD 11-2). The 15-digit ones of before 1999 cannot be told
from grid codes and are recognised by their column's name alone.
"""

import datetime as dt
import re
from collections.abc import Collection, Sequence

from geodata.columns import fold
from geodata.raw import RawColumn, fault
from gridsvc.domain.errors import Fault

_CHINESE = re.compile(
    "身份证|身份号|身份代码|公民号码|证件号|证件类型|护照|社保号|社保卡|社会保障号|医保|"
    "病史|病情|病种|病名|疾病|患病|病人|健康状|体检|诊断|残疾|残障|精神障碍|精神病|传染病|艾滋|"
    "血型|过敏|孕产|孕情|用药|宗教|信仰|教派|信教|民族$|族别|政治面貌|政治身份|党员|党派|"
    "入党|婚姻状|婚否|婚育|^婚姻$|犯罪|前科|案底|刑满|刑释|社区矫正|吸毒|涉毒|戒毒|上访|信访人|"
    "银行账|银行卡|银行帐|开户行|开户银行|卡号|账号|帐号|工资|收入|低保|指纹|人脸|虹膜|生物特征|"
    "声纹|基因|性取向|户口簿"
)
_COUNT = re.compile("(人数|户数|数量|总数|数|count|total)$")
_ENGLISH = re.compile(
    "idcard|identitycard|identityn|identification|idnumber|idno$|nationalid|citizenid|residentid|"
    "ssn$|socialsecurity|passport|health|medical|disease|illness|diagnos|disab|religio|faith|"
    "ethnic|^race$|politic|partymember|marital|marriage|criminal|convict|bankacc|bankcard|iban|"
    "creditcard|cardno|cardnumber|accountn|bloodtype|allerg|pregnan|hiv|fingerprint|biometric|"
    "facial|genetic|sexualorient|salary|income|^sfz|sfzh|^minzu$"
)
_NUMBER = re.compile(r"[1-9]\d{5}((?:19|20)\d{6})\d{3}[\dX]", re.IGNORECASE)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def is_resident_id(value: object) -> bool:
    """Whether ``value`` is a valid 18-character resident identity number (GB 11643)."""
    text = str(value).strip() if isinstance(value, str | int) else ""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return False
    try:
        dt.date.fromisoformat(match[1])
    except ValueError:
        return False
    remainder = sum(int(d) * w for d, w in zip(text[:17], _WEIGHTS, strict=True)) % 11
    return text[17].upper() == "10X98765432"[remainder]


def is_sensitive_name(name: str) -> bool:
    """Whether a column of that name holds sensitive personal information."""
    folded = fold(name)
    if _COUNT.search(folded) and not folded.endswith("号数"):
        return False
    return bool(_CHINESE.search(folded) or _ENGLISH.search(folded))


def sensitive_columns(columns: Sequence[RawColumn]) -> dict[int, str]:
    """Find sensitive columns: position -> ``name`` or ``content``, whichever gave it away."""
    found: dict[int, str] = {}
    for position, column in enumerate(columns):
        if is_sensitive_name(column.name):
            found[position] = "name"
            continue
        filled = [value for value in column.sample() if value not in (None, "")]
        if filled and 2 * sum(map(is_resident_id, filled)) > len(filled):
            found[position] = "content"
    return found


def refusals(
    columns: Sequence[RawColumn], found: dict[int, str], allowed: Collection[str]
) -> tuple[Fault, ...]:
    """Make one fault for each sensitive column that was not named on purpose."""
    known = {fold(name) for name in allowed}
    return tuple(
        _refusal(columns[position].name, why)
        for position, why in found.items()
        if fold(columns[position].name) not in known
    )


def _refusal(name: str, why: str) -> Fault:
    zh, en = (
        ("列名表明", "by its name")
        if why == "name"
        else (
            "多数值是有效的居民身份号码",
            "most of its values are valid resident identity numbers",
        )
    )
    return fault(
        "sensitive_column",
        f"含敏感个人信息（{zh}），不予导入：请从文件中删除该列；"
        f"确需保留原文件时用 --allow-column {name} 声明知悉，该列仍不入库",
        f"holds sensitive personal information ({en}) and is refused: delete the column from the "
        f"file, or say --allow-column {name} to confirm that you know; it is not stored either way",
        name,
    )
