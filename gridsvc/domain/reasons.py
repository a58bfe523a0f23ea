"""Why somebody does not go, or goes no further: codes that events may hold."""

from gridsvc.domain.words import Text

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
