"""Guess first: each chapter begins with questions. A command or the learner's own code shows the answers.

A prediction is a choice or a number. A wrong one costs nothing: its purpose is to make the learner curious.
"""

from collections.abc import Sequence
from typing import Any

from course.chapters import Chapter
from nn_from_scratch import BadInput


def questions(chapter: Chapter) -> list[dict[str, Any]]:
    return chapter.facts.get("prediction", [])


def asked(number: int, question: dict[str, Any]) -> str:
    """The question and, if it has some, its choices."""
    lines = [f"{number}. {question['question']}"]
    lines += [f"   {letter}) {text}" for letter, text in question.get("choices", {}).items()]
    if "choices" not in question:
        lines.append("   (a number)")
    return "\n".join(lines)


def read(question: dict[str, Any], text: str) -> str:
    """The answer in the form that is kept. Raises BadInput, which says what was expected."""
    text = text.strip().lower()
    if choices := question.get("choices"):
        if text not in choices:
            raise BadInput(f"{text!r}: expected one of {', '.join(choices)}")
        return text
    try:
        return f"{float(text.rstrip('%').replace(',', '.')):g}"
    except ValueError:
        raise BadInput(f"{text!r}: expected a number") from None


def is_right(question: dict[str, Any], answer: str) -> bool:
    if "choices" in question:
        return answer == question["answer"]
    return abs(float(answer) - question["answer"]) <= question.get("within", 0)


def told(number: int, question: dict[str, Any], answer: str) -> str:
    """Whether the answer was right, the right answer, the reason, and the command that shows it."""
    right = question["answer"]
    shown = f"{right}) {question['choices'][right]}" if "choices" in question else f"{right:g}"
    verdict = "Yes:" if is_right(question, answer) else f"You said {answer}, but it is"
    lines = [f"{number}. {verdict} {shown}", f"   {question['because']}"]
    if command := question.get("command"):
        when = ", once your code has passed the check" if question.get("after_check") else ""
        lines += [f"   See for yourself{when}:", f"   {command}"]
    return "\n".join(lines)


def all_read(chapter: Chapter, texts: Sequence[str]) -> list[str]:
    """An answer for each question. Raises BadInput if there are more or fewer."""
    asked_for = questions(chapter)
    if len(texts) != len(asked_for):
        raise BadInput(f"chapter {chapter.number} has {len(asked_for)} questions, but {len(texts)} answers were given")
    return [read(question, text) for question, text in zip(asked_for, texts, strict=True)]
