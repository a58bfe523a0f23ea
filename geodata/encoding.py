"""In which encoding text is, and how to tell that it has been read in the wrong one.

GB18030 without any declaration is the normal case of Chinese shapefiles and CSV; a declared one
(``.cpg``, the language byte of a ``.dbf``) is believed only where the bytes decode with it and the
result is not mojibake.
"""

import codecs
import re
from collections.abc import Iterable, Sequence

from geodata.raw import refuse

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NAMES = {"65001": "utf-8", "936": "gb18030", "950": "big5", "54936": "gb18030", "88591": "latin-1"}
_HIGH_PAIR = re.compile(rb"[\x81-\xfe][\x30-\xfe]")
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_LATIN_RUN = re.compile("[\u00a1-\u00ff]{3,}")
_LOST = re.compile("\ufffd|锟斤拷|烫烫烫|屯屯屯")
_QUESTION_MARKS = re.compile(r"[??]{2,}")
_HAN = re.compile("[\u3400-\u9fff]")
_ODD = re.compile("[\u0080-\u07ff]")


def codec_name(text: str) -> str | None:
    """Name the Python codec of a declared encoding (``Big-5``, ``GBK``, ``936``, ``CP936``).

    GBK and GB2312 are read as GB18030, which holds both. None where there is no such codec.
    """
    bare = re.sub(r"[^0-9a-z]", "", text.casefold()).removeprefix("ansi").removeprefix("oem")
    bare = _NAMES.get(bare.removeprefix("cp"), bare)
    for candidate in (bare, text.strip()):
        try:
            name = codecs.lookup(candidate).name
        except (LookupError, ValueError):
            continue
        if name in ("gbk", "gb2312", "cp936", "hz"):
            return "gb18030"
        return "big5" if name in ("cp950", "big5hkscs") else name
    return None


def given_codec(text: str) -> str:
    """Name the codec that a user asked for.

    Raises
    ------
    LayerError
        Where there is no such encoding.
    """
    name = codec_name(text)
    if name is None:
        raise refuse(
            "unknown_encoding",
            f"没有名为“{text}”的编码：常用的有 utf-8、gb18030、big5",
            f"there is no encoding {text!r}: the usual ones are utf-8, gb18030, big5",
            "encoding",
        )
    return name


def detect(pieces: Sequence[bytes], *, hints: Iterable[str | None] = ()) -> str | None:
    """Find the encoding of pieces of text.

    Parameters
    ----------
    pieces
        Whole values; one that is cut inside a character should be left out.
    hints
        Encodings that were declared, the most trusted first.

    Returns
    -------
    str or None
        A codec's name; None where no encoding makes sense of the bytes.
    """
    high = [piece for piece in pieces if not piece.isascii()]
    if not high:
        return "utf-8"
    for hint in hints:
        name = codec_name(hint) if hint else None
        if name and _reads(high, name):
            return name
    data = b"\n".join(high)
    if _decodes(data, "utf-8") and not _rather_gb(data):
        return "utf-8"
    scores = {
        name: score
        for name, score in (("gb18030", _gb_score(data)), ("big5", _big5_score(data)))
        if _decodes(data, name)
    }
    if not scores:
        return None
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] >= 0.4 else None


def decode_file(data: bytes, *, encoding: str | None, source: str) -> tuple[str, str]:
    """Decode a whole text file; gives the text and the codec's name.

    Raises
    ------
    LayerError
        Where no encoding, or not the given one, makes sense of it.
    """
    name = given_codec(encoding) if encoding else None
    if name in (None, "utf-8"):
        name = next((bom_name for bom, bom_name in _BOMS if data.startswith(bom)), name)
    name = name or detect(data.splitlines())
    try:
        if name is None:
            raise UnicodeError
        return data.decode(name), name.removesuffix("-sig")
    except UnicodeError as error:
        tried_zh = f"不能按 {name} 解码" if name else "文字编码无法识别"
        tried_en = f"does not decode as {name}" if name else "is in no encoding that was recognised"
        raise refuse(
            "unrecognised_encoding",
            f"{tried_zh}：请用 --encoding 指明，例如 --encoding gb18030",
            f"the text {tried_en}: name it, e.g. --encoding gb18030",
            source,
        ) from error


def is_mojibake(text: str) -> bool:
    """Whether ``text`` shows that it was decoded, here or long before, in the wrong encoding.

    Found are characters that stand for lost ones (U+FFFD, 锟斤拷, nothing but question marks),
    UTF-8 read as GBK (``缃戞牸``) or as Latin-1 (``ç½‘``), and GBK read as Latin-1 (``Íø¸ñ``).
    """
    if text.isascii():
        return len(text) >= 2 and _QUESTION_MARKS.fullmatch(text.strip()) is not None
    if _LOST.search(text) or _QUESTION_MARKS.fullmatch(text.strip()):
        return True
    return bool(_LATIN_RUN.search(text)) or _was_utf8(text)


def _was_utf8(text: str) -> bool:
    for wrong, han_needed in (("gb18030", 2), ("cp1252", 1), ("latin-1", 1)):
        try:
            data = text.encode(wrong)
        except UnicodeError:
            continue
        # Single characters are often lost on the way: three bytes do not divide by two.
        told = data.decode("utf-8", "ignore")
        kept = len(told.encode()) / len(data)
        if kept >= 0.7 and len(_HAN.findall(told)) >= han_needed and not _ODD.search(told):
            return True
    return False


def _reads(pieces: Sequence[bytes], name: str) -> bool:
    data = b"\n".join(pieces)
    return _decodes(data, name) and not any(is_mojibake(piece.decode(name)) for piece in pieces)


def _decodes(data: bytes, name: str) -> bool:
    try:
        data.decode(name)
    except UnicodeError:
        return False
    return True


def _rather_gb(data: bytes) -> bool:
    """Whether bytes that pass as UTF-8 are Chinese words in GBK, such as 职业.

    Words have two characters or more; read as UTF-8 they scatter over alphabets, which real text
    of one alphabet does not.
    """
    text = data.decode("utf-8")
    alphabets = {ord(char) >> 8 for char in _ODD.findall(text)}
    words = all(len(run) >= 4 for run in _HIGH_RUN.findall(data))
    return (
        words
        and len(alphabets) > 1
        and not _HAN.search(text)
        and _decodes(data, "gb18030")
        and _gb_score(data) >= 0.9
    )


def _gb_score(data: bytes) -> float:
    """Share of two-byte characters that are among GB 2312's 3,755 common ones."""
    pairs = _HIGH_PAIR.findall(data)
    common = sum(
        (0xB0 <= a <= 0xD7 and b >= 0xA1) or (0xA1 <= a <= 0xA3 and b >= 0xA1) for a, b in pairs
    )
    rarer = sum(0xD8 <= a <= 0xF7 and b >= 0xA1 for a, b in pairs)
    return (common + 0.5 * rarer) / len(pairs) if pairs else 0.0


def _big5_score(data: bytes) -> float:
    """Share of two-byte characters that are among Big5's 5,401 common ones."""
    pairs = _HIGH_PAIR.findall(data)
    common = sum(0xA4 <= a <= 0xC6 or 0xA1 <= a <= 0xA3 for a, _ in pairs)
    return common / len(pairs) if pairs else 0.0
