"""What one report asks for: the card of its kind, made stricter where people could be hurt."""

import re
import unicodedata
from dataclasses import dataclass, replace

from gridsvc.domain.case import urgent
from gridsvc.domain.force import Capability as C
from gridsvc.domain.force import Role
from gridsvc.domain.kinds import Category, Kind, Lay
from gridsvc.domain.trades import TRADES, Trade
from gridsvc.domain.waves import WAVES, Waves
from gridsvc.domain.words import Text

LAY_CAPABILITIES = frozenset({C.FIRST_ON_SCENE, C.GRID_DUTY, C.MEDIATION})
"""What neighbours do; everything else is professional."""

LAY_ROLES = frozenset(role for role in Role if role.lay)

_NO_SENTINEL = frozenset({"family_dispute", "domestic_violence"})
"""The neighbour next door is not sent into a family's quarrel."""

_TWICE = {"fight": frozenset({C.GRID_DUTY})}
_RAISED_ASKS = {"illegal_burning": ("119",)}
"""Whom a raised violation asks besides 110: burning that has become critical is a fire."""

_VIOLENT = frozenset({"fight", "domestic_violence"})

# Somebody holds a weapon against people: dangerous whatever the report was filed as.
_HELD = re.compile(
    r"持(?:着|有)?(?:一?把)?[菜砍柴镰尖长短瓜果簧山]?刀|持械|持枪|持棍|凶器|行凶|砍人|捅人|杀人|"
    r"(?<![a-z])(?:gunman|armed (?:man|men|person)|(?:holding|has|with) a (?:gun|machete)|"
    r"(?:holding|has) a knife|stabbed)(?![a-z])"
)
# Where people quarrel, less is enough; a tool in its harmless use (水枪, 砍树, 捅马蜂窝) is not.
_NAMED = re.compile(
    r"[动拿带提挥拔亮举抽抄握操有](?:着|了|起)?(?:一?把)?[菜砍柴镰尖长短瓜果簧山小大]?刀|"
    r"[菜砍尖长瓜果簧]刀|开山刀|杀猪刀|管制刀具|刀(?:砍|捅|刺|伤)|"
    r"砍(?:了|到)?(?:伤|死|杀)|[被要]砍(?!树|竹|柴|伐|了?我?家?的?(?:树|竹))|"
    r"砍(?:了)?[我你他她](?!们?[家的])|"
    r"捅(?!了?(?:个|下|掉)?(?:马蜂|蜂窝|下水|娄子|篓子|管道))|刺伤|杀了?[我你他她](?!们?家的)|"
    r"匕首|斧(?!正)|(?<![水喷焊钉热玩胶油风冲洗气标])枪|"
    r"[拿带提挥举抄握操](?:着|了|起)?(?:一?[把根条])?(?:锄头|铁锹|铁棍|木棍|钢管|铁锤|棍棒)|"
    r"铁棍|狼牙棒|硫酸|"
    r"(?<![a-z])(?:knife|knives|guns?|pistol|rifle|machete|cleaver|axes?|sword|armed|weapons?|"
    r"stab(?:s|bed|bing)?)(?![a-z])"
)
_GAS_NAME = r"(?:煤气|燃气|天然气|液化气|液化石油气|沼气|瓦斯|氨气|液氨|氯气|液氯)"
_GAS = re.compile(
    _GAS_NAME + r"[^,。;.\n]{0,6}?(?:泄漏|泄露|外泄|漏了|漏气|在漏|中毒|起火|着火)"
    r"(?!报警器|检测|保险|演练)|"
    + _GAS_NAME
    + r"味|(?:泄漏|泄露|漏)(?:了|出)?"
    + _GAS_NAME
    + r"|(?:危化品?|危险化学品|化学品|剧毒|农药|油罐|罐车|槽车)[^,。;.\n]{0,6}?"
    r"(?:泄漏|泄露|侧翻|起火|着火)|"
    r"爆炸(?!性)|爆燃|炸药|雷管|毒气|有毒气体|一氧化碳|硫化氢|"
    r"(?<![a-z])(?:gas (?:leak\w*|smell)|(?:leak\w*|smell of) gas|explosi\w+|exploded|hazmat|"
    r"chemical spill|toxic gas|carbon monoxide)(?![a-z])"
)
# What of a match is said again: these words alone, never what a reporter wrote between them.
_GAS_SAID = re.compile(
    _GAS_NAME + r"味?|泄漏|泄露|外泄|漏了|漏气|在漏|漏出|漏|中毒|起火|着火|侧翻|"
    r"危化品?|危险化学品|化学品|剧毒|农药|油罐|罐车|槽车|爆炸|爆燃|炸药|雷管|毒气|有毒气体|"
    r"一氧化碳|硫化氢|"
    r"gas|leak(?:s|ed|ing|age)?|smell(?: of)?|explosi(?:on|ve)?s?|exploded|hazmat|"
    r"chemical spill|toxic|carbon monoxide"
)
_BLANK = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]+")
_ONE_BLANK = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Card:
    """Whom one report asks for.

    ``twice`` are the capabilities that two people are wanted for, ``barred`` the roles that are
    not sent whatever they can do, ``notes`` says why it differs from the card of its kind.
    ``at_once``: people are assigned before anybody confirms. ``held_back``: whoever goes keeps
    away from the danger itself until the police are there. ``armed``: the words name a weapon.
    ``waves``: how it is offered, None where it is only recommended. ``trades``: what a department
    should be for, any of them; where none that is can go, the nearest does.
    """

    required: tuple[C, ...]
    lay: Lay
    hand_over: tuple[str, ...]
    notes: tuple[Text, ...] = ()
    twice: frozenset[C] = frozenset()
    barred: frozenset[Role] = frozenset()
    at_once: bool = False
    held_back: bool = False
    armed: bool = False
    waves: Waves | None = None
    trades: frozenset[Trade] = frozenset()

    def wanted(self, capability: C) -> int:
        """How many people of ``capability`` it asks for."""
        return 2 if capability in self.twice else 1

    @property
    def excluded(self) -> frozenset[Role]:
        """Every role that is not sent: the barred ones, and lay people who must stay away."""
        return self.barred | LAY_ROLES if self.lay is Lay.NONE else self.barred

    @property
    def stand_off(self) -> frozenset[C]:
        """The capabilities whose people keep away from the danger itself."""
        if self.held_back:
            return frozenset(self.required)
        return LAY_CAPABILITIES if self.lay is Lay.STAND_OFF else frozenset()


def card_for(kind: Kind, *, urgency: int, text: str = "") -> Card:
    """The card of a report.

    Parameters
    ----------
    kind
        Its kind, whose card is the base.
    urgency
        1 to 4. Urgency 1 and 2 of a kind that neighbours may approach ask for the unit's own
        sentinel, the grid worker and a professional besides.
    text
        What was said. A weapon named where people quarrel, one held against people anywhere, or
        leaking gas make the card stricter. Doubtful words count as danger, "没有持刀" too: nobody
        unarmed is sent to a knife.

    Returns
    -------
    Card
        Never laxer than the kind's own. A card that sends nobody and hands over goes on doing so.
    """
    card = Card(
        required=kind.sends,
        lay=kind.lay,
        hand_over=kind.hand_over,
        twice=_TWICE.get(kind.code, frozenset()),
        barred=frozenset({Role.SENTINEL}) if kind.code in _NO_SENTINEL else frozenset(),
        at_once=urgent(urgency),
        waves=WAVES.get(urgency),
        trades=TRADES.get(kind.code, frozenset()),
    )
    if _raised(kind, urgency):
        card = _tightened(card, kind, urgency)
    words = _plain(text)
    card = _without_gas(card, words)
    weapon = _weapon(kind, words)
    if weapon is not None:
        return _unarmed_stay(card, weapon)
    if card.lay is Lay.NONE:
        return replace(card, required=_professional(card.required))
    if card.at_once and card.lay is not Lay.STAND_OFF:
        return _with_neighbours(card)
    return card


def _raised(kind: Kind, urgency: int) -> bool:
    return (
        kind.category in (Category.DISPUTE, Category.VIOLATION)
        and urgent(urgency)
        and urgency < kind.urgency
        and kind.lay is not Lay.NONE
    )


def _tightened(card: Card, kind: Kind, urgency: int) -> Card:
    """A quarrel that somebody calls critical may be a knife."""
    required = card.required if C.ORDER in card.required else (C.ORDER, *card.required)
    critical = urgency == 1
    return replace(
        card,
        required=required,
        lay=Lay.NONE if critical else Lay.STAND_OFF,
        hand_over=_asked(card.hand_over, "110", *_RAISED_ASKS.get(kind.code, ())),
        notes=(*card.notes, _CRITICAL if critical else _RAISED),
        held_back=critical,
    )


def _without_gas(card: Card, words: str) -> Card:
    found = _GAS.search(words)
    if found is None:
        return card
    said = _gas_words(found[0])
    note = Text(
        f"报警内容提到“{said}”：可能有燃气或危化品，群众力量不得靠近，移交 119",
        f"the report says {said!r}: there may be gas or hazardous goods, lay people stay away, "
        "119 is asked",
    )
    return replace(
        card, lay=Lay.NONE, hand_over=_asked(card.hand_over, "119"), notes=(*card.notes, note)
    )


def _gas_words(found: str) -> str:
    said, end = "", 0
    for word in _GAS_SAID.finditer(found):
        between = found[end : word.start()]
        said += ("…" if between.strip() else between) + word[0]
        end = word.end()
    return said


def _weapon(kind: Kind, words: str) -> str | None:
    found = _HELD.search(words)
    if found is None and (
        kind.category in (Category.DISPUTE, Category.VIOLATION) or kind.code in _VIOLENT
    ):
        found = _NAMED.search(words)
    return None if found is None else found[0]


def _unarmed_stay(card: Card, weapon: str) -> Card:
    note = Text(
        f"报警内容提到“{weapon}”，按持械警情处置（否定或存疑的说法也从严）："
        "未携带武器的人员一律不派，移交 110",
        f"the report says {weapon!r} and is handled as armed, even where the words deny or doubt "
        "it: nobody unarmed is sent, 110 is asked",
    )
    return replace(
        card,
        required=(),
        lay=Lay.NONE,
        hand_over=_asked(card.hand_over, "110"),
        notes=(*card.notes, note),
        armed=True,
    )


def _with_neighbours(card: Card) -> Card:
    """The own sentinel and grid worker before all, and a professional besides."""
    first = (C.FIRST_ON_SCENE, C.GRID_DUTY)
    required = (*first, *(c for c in card.required if c not in first))
    if not _professional(required):
        required = (*required, C.ORDER)
    if set(required) == set(card.required):
        return card
    return replace(card, required=required, notes=(*card.notes, _AT_ONCE))


def _professional(capabilities: tuple[C, ...]) -> tuple[C, ...]:
    return tuple(c for c in capabilities if c not in LAY_CAPABILITIES)


def _asked(services: tuple[str, ...], *more: str) -> tuple[str, ...]:
    return (*services, *(one for one in more if one not in services))


def _plain(text: str) -> str:
    """``text`` as the words are looked for in it: half-width, lower case, no blanks in Chinese."""
    if not text:
        return ""
    plain = unicodedata.normalize("NFKC", text).lower()
    return _BLANK.sub("", plain) + "\n" + _ONE_BLANK.sub(" ", plain)


_CRITICAL = Text(
    "纠纷或违法类升为特急，现场可能有暴力：移交 110，群众力量不得靠近，处置队在外围等候公安",
    "a dispute or violation made critical may be violent: 110 is asked, lay people stay away, the "
    "township team stands off until the police are there",
)
_RAISED = Text(
    "纠纷或违法类升为紧急，现场可能有暴力：移交 110，加派处置队，群众力量只在外围",
    "a dispute or violation made urgent may be violent: 110 is asked, the township team is asked "
    "for, lay people stand off",
)
_AT_ONCE = Text(
    "特急、紧急事件即派本单元吹哨人、本网格网格员和最近的专业力量",
    "at urgency 1 and 2 the unit's own sentinel, the grid worker and the nearest professionals are "
    "sent at once",
)
