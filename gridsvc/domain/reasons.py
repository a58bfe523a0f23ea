"""Why somebody does not go, or goes no further: codes that events may hold."""

from gridsvc.domain.words import Text

NO_ANSWER = "no_answer"
ENOUGH = "enough"
NOT_NEEDED = "not_needed"
RECALLED = "recalled"
CASE_OVER = "case_over"
REDIRECTED = "redirected"

DECLINED_FOR: dict[str, Text] = {
    "declined": Text("不能前往", "cannot go"),
    "busy": Text("手头有事走不开", "is busy"),
    "too_far": Text("离得太远", "is too far away"),
    "unwell": Text("身体不适", "is unwell"),
    "no_transport": Text("没有交通工具", "has no transport"),
    "unsafe": Text("认为现场不安全", "thinks it is not safe there"),
    "other": Text("其他原因", "for another reason"),
}
"""What somebody may say who declines; nothing of it counts against a volunteer."""

REASONS: dict[str, Text] = {
    **DECLINED_FOR,
    NO_ANSWER: Text("未在时限内接单", "did not accept in time"),
    ENOUGH: Text("人手已够，谢谢您", "enough people are going, thank you"),
    NOT_NEEDED: Text("值班员通知不必前往", "told by the officer not to go"),
    RECALLED: Text("派单已撤回，请勿前往", "the dispatch was recalled, do not go"),
    CASE_OVER: Text("案件已结束，请勿前往", "the case is over, do not go"),
    REDIRECTED: Text("改派更紧急的案件", "sent to a more urgent case"),
}
"""Every reason an assignment may have."""
