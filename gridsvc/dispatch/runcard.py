"""What one report asks for: the card of its kind, made stricter where people could be hurt."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from gridsvc.dispatch.cards import CardSet, default_cards
from gridsvc.domain.cards import Addition, Hints, Send
from gridsvc.domain.case import urgent
from gridsvc.domain.force import LAY_CAPABILITIES, Role
from gridsvc.domain.force import Capability as C
from gridsvc.domain.kinds import KINDS_BY_CODE, NO_SENTINEL, Category, Kind, Lay
from gridsvc.domain.trades import TRADES, Trade
from gridsvc.domain.waves import WAVES, Waves
from gridsvc.domain.words import Text

LAY_ROLES = frozenset(role for role in Role if role.lay)

_ARMED = "armed_gas_hazmat"
"""Whose hints hold wherever words name a weapon or gas."""

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

    ``counts`` are the people wanted for a capability where that is not one, ``latest`` the seconds
    within which the card wants the last of them there. ``barred`` are the roles that are not sent
    whatever they can do, ``notes`` says why it differs from the card of its kind.
    ``at_once``: people are assigned before anybody confirms. ``held_back``: whoever goes keeps
    away from the danger itself until the police are there. ``armed``: the words name a weapon.
    ``waves``: how it is offered, None where it is only recommended. ``trades``: what a department
    should be for, any of them; where none that is can go, the nearest does. ``hints``: what to do
    and not to do. ``level``: the alarm level; ``version``: of the kind's card, 0 for the shipped
    one. ``next_grids``: the neighbouring grids' workers are told too. ``kept_out``: who is not
    offered this one incident, by id, and why (excluded by hand, resting); reasons name nobody.
    """

    required: tuple[C, ...]
    lay: Lay
    hand_over: tuple[str, ...]
    notes: tuple[Text, ...] = ()
    counts: Mapping[C, int] = field(default_factory=dict)
    barred: frozenset[Role] = frozenset()
    at_once: bool = False
    held_back: bool = False
    armed: bool = False
    waves: Waves | None = None
    trades: frozenset[Trade] = frozenset()
    latest: Mapping[C, float] = field(default_factory=dict)
    hints: Hints = field(default_factory=Hints)
    level: int = 1
    version: int = 0
    next_grids: bool = False
    kept_out: Mapping[str, Text] = field(default_factory=dict)

    def wanted(self, capability: C) -> int:
        """How many people of ``capability`` it asks for."""
        return self.counts.get(capability, 1)

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


def card_for(
    kind: Kind,
    *,
    urgency: int,
    text: str = "",
    cards: CardSet | None = None,
    level: int = 1,
) -> Card:
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
    cards
        The set of cards in force; None: the shipped one.
    level
        Alarm level: what the levels of the card ask for adds up.

    Returns
    -------
    Card
        Never laxer than the kind's own. A card that sends nobody and hands over goes on doing so.
    """
    in_force = cards or default_cards()
    plain, usual = _prepared(in_force, kind.code, urgency, level)
    if not text:
        return usual
    words = _plain(text)
    gas, weapon = _GAS.search(words), _weapon(kind, words)
    if gas is None and weapon is None:
        return usual
    hints = in_force[_ARMED].hints
    card = plain if gas is None else replace(_without_gas(plain, gas[0]), hints=hints)
    if weapon is not None:
        return replace(_unarmed_stay(card, weapon), hints=hints)
    return replace(card, required=_professional(card.required))


@lru_cache(maxsize=1024)
def _prepared(cards: CardSet, code: str, urgency: int, level: int) -> tuple[Card, Card]:
    """The card of a kind before its words are looked at, and as it is where they say nothing."""
    kind, run = KINDS_BY_CODE[code], cards[code]
    asking = run.at(urgency)
    waves = WAVES.get(urgency)
    card = Card(
        required=tuple(one.capability for one in asking.sends),
        lay=asking.lay,
        hand_over=asking.asks,
        counts={one.capability: one.count for one in asking.sends if one.count > 1},
        latest=_latest(asking.sends),
        barred=frozenset({Role.SENTINEL}) if code in NO_SENTINEL else frozenset(),
        at_once=urgent(urgency),
        waves=None if waves is None else replace(waves, **asking.waves),
        trades=TRADES.get(kind.code, frozenset()),
        hints=run.hints,
        level=level,
        version=run.version,
        next_grids=run.next_grids,
    )
    if _raised(card, kind, urgency):
        card = _tightened(card, kind, urgency)
    usual = card
    if card.at_once and card.lay in (Lay.APPROACH, Lay.NOT_NEEDED):
        usual = _with_neighbours(card)
    for addition in run.levels[: level - 1]:
        card, usual = _with_more(card, addition), _with_more(usual, addition)
    if card.lay is Lay.NONE:
        usual = replace(usual, required=_professional(usual.required))
    return card, usual


def _latest(sends: tuple[Send, ...]) -> dict[C, float]:
    """Seconds within which each is wanted, where that is said."""
    return {
        one.capability: 60.0 * one.latest_eta_min for one in sends if one.latest_eta_min is not None
    }


def _with_more(card: Card, addition: Addition) -> Card:
    """``card`` and what an alarm level adds: counts add up, and the later ETA holds."""
    counts, latest = dict(card.counts), dict(card.latest)
    more = _latest(addition.sends)
    for one in addition.sends:
        capability = one.capability
        if capability in card.required:
            counts[capability] = card.wanted(capability) + one.count
            if capability in more and capability in latest:
                latest[capability] = max(latest[capability], more[capability])
            else:
                latest.pop(capability, None)
            continue
        counts[capability] = one.count
        if capability in more:
            latest[capability] = more[capability]
    new = tuple(one.capability for one in addition.sends if one.capability not in card.required)
    return replace(
        card,
        required=(*card.required, *new),
        hand_over=_asked(card.hand_over, *addition.asks),
        counts=counts,
        latest=latest,
    )


def _raised(card: Card, kind: Kind, urgency: int) -> bool:
    return (
        kind.category in (Category.DISPUTE, Category.VIOLATION)
        and urgent(urgency)
        and urgency < kind.urgency
        and card.lay is not Lay.NONE
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


def _without_gas(card: Card, found: str) -> Card:
    said = _gas_words(found)
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
