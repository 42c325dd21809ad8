"""What goes wrong, as exceptions. A module of its own, for `_attar` raises them too."""
from __future__ import annotations

from typing import Any


class Error(Exception):
    """A call of Attar failed. The text says what to do about it.

    code     what kind of failure, one of the words of docs/cli.md: "invalid_argument", "invalid_data", "io", "corrupt",
             "truncated", "too_new", "too_old", "unknown_codec", "over_limit", "unsupported", "goal_unreachable"
    message  the sentence alone, without file, section and offset
    file     the path, or the argument ("vectors", "queries" …) that was an array; None where no file is involved
    section  of an artifact; None outside of one
    offset   in bytes, in the file or section; None where it does not apply
    """

    def __init__(self, message: str, code: str = "invalid_argument", file: str | None = None, section: str | None = None,
                 offset: int | None = None) -> None:
        super().__init__(message, code, file, section, offset)
        self.message, self.code, self.file, self.section, self.offset = message, code, file, section, offset

    def __str__(self) -> str:
        where = [self.file, self.section and f"section '{self.section}'", None if self.offset is None else f"byte {self.offset}"]
        return ": ".join(filter(None, [", ".join(filter(None, where)), self.message]))


class GoalUnreachable(Error):
    """No plan was shown to meet budget and floor; nothing was written. `code` is "goal_unreachable".

    recall_in_budget  the best recall found inside the budget; 0: nothing fits it
    bytes_for_floor   the least bytes found that reach the floor; 0: found at no size
    least_bytes       the smallest file of these rows
    recall_in_time    the best recall found within latency or qps; 0: nothing is quick enough, or no such goal was named
    seconds_for_goal  what the quickest plan found takes a query that keeps the rest of the goal; 0: no goal in time was named
    candidates        what competed, as in the report of pack()
    """

    def __init__(self, message: str, recall_in_budget: float, bytes_for_floor: int, least_bytes: int, recall_in_time: float,
                 seconds_for_goal: float, candidates: list[dict[str, Any]]) -> None:
        super().__init__(message, "goal_unreachable")
        self.args = (message, recall_in_budget, bytes_for_floor, least_bytes, recall_in_time, seconds_for_goal, candidates)
        self.recall_in_budget, self.bytes_for_floor, self.least_bytes = recall_in_budget, bytes_for_floor, least_bytes
        self.recall_in_time, self.seconds_for_goal = recall_in_time, seconds_for_goal
        self.candidates = candidates


# As users see them in tracebacks and pickles.
Error.__module__ = GoalUnreachable.__module__ = "attar"
