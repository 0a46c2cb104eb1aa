"""Build a neural network yourself: where you stand, the checks, the predictions, and your code in the real thing."""

import argparse
import re
import runpy
import shutil
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

from course import checking, predictions
from course.chapters import CHAPTERS, COURSE, PROJECT, WORK, Chapter, Progress, chapter
from nn_from_scratch import BadInput
from nn_from_scratch.command_line import programs

COPY = Path("course")  # beside my_nn, where the course comes with the installed package
CALLED = "python -m nn_from_scratch course" if programs.INSTALLED and not COPY.is_dir() else "python -m course"
EXAMPLES = """\
  python -m course                  where you stand, and what is next
  python -m course start            make my_nn/, where you write your code
  python -m course check 3          run the checks of chapter 3 on my_nn/
  python -m course answer 3         give your predictions, and see the answers
  python -m course solution 3       show code that passes the checks of chapter 3
  python -m course notebooks        the chapters as notebooks
  python -m course watch            your classes learn on the live page
  python -m course train --epochs 2 your classes learn in train.py, with its options"""
WIDTH = 88


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a terminal may not have every sign
    arguments, rest = parse_arguments()
    try:
        arguments.command(arguments, rest)
    except BadInput as problem:
        sys.exit(f"course: error: {problem}")


def parse_arguments() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        prog=CALLED,
        description=__doc__,
        epilog="examples:\n" + EXAMPLES.replace("python -m course", CALLED),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=show, chapter=None)
    commands = parser.add_subparsers(metavar="COMMAND")

    def add(name: str, work: Callable, what: str, chapter: bool = False) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=what, description=what)
        command.set_defaults(command=work)
        if chapter:
            command.add_argument("chapter", type=int, nargs="?", metavar="CHAPTER", help=f"0 to {len(CHAPTERS) - 1}")
        return command

    add("start", start, "make my_nn/, where you write your code")
    add("check", check, "run a chapter's checks on my_nn/ (default: the next chapter)", chapter=True)
    answer_parser = add("answer", answer, "give your predictions, and see the answers", chapter=True)
    answer_parser.add_argument("answers", nargs="*", metavar="ANSWER", help="one for each question (default: ask)")
    add("solution", solution, "show code that passes a chapter's checks", chapter=True)
    notebooks_parser = add("notebooks", notebooks, "write the chapters as notebooks")
    notebooks_parser.add_argument(
        "directory",
        type=Path,
        nargs="?",
        default=Path("results/notebooks"),
        metavar="DIR",
        help="(default: %(default)s)",
    )
    add("watch", watch, "your classes learn on the live page; its options may follow")
    add("train", train, "your classes learn in train.py; its options may follow")
    arguments, rest = parser.parse_known_args()
    if rest and arguments.command not in (watch, train):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return arguments, rest


# ---- the commands ----


def start(arguments: argparse.Namespace, rest: list[str]) -> None:
    if WORK.exists():
        raise BadInput(f"{WORK}/ exists already: nothing in it was changed")
    if programs.INSTALLED and not COPY.exists():
        copy_chapters()
    WORK.mkdir()
    (WORK / "__init__.py").write_text('"""My neural network, from an empty file."""\n', encoding="utf-8")
    print(f"Made {WORK}/. All your files go there.")
    print("Next: read course/00_watch/README.md, then python -m course answer 0")


def copy_chapters() -> None:
    """Put the course where it can be read, and where its commands work as printed. Its links lead to the repository."""
    shutil.copytree(COURSE, COPY, ignore=shutil.ignore_patterns("__pycache__"))
    for path in COPY.glob("*/README.md"):
        text = path.read_text(encoding="utf-8")
        linked = re.sub(r"\]\(\.\./\.\./", f"]({programs.REPOSITORY}/blob/main/", text)
        path.write_text(linked, encoding="utf-8", newline="\n")
    print(f"Copied the chapters to {COPY}/.")


def show(arguments: argparse.Namespace, rest: list[str]) -> None:
    """The state of each chapter, and the next step."""
    progress = Progress()
    following = next_chapter(progress)
    for each in CHAPTERS:
        mark = {"done": "done", "changed": "changed since its check", "open": ""}[progress.state(each)]
        pointer = "→" if each is following else " "
        print(f"{pointer} {each.number:2}  {each.title:<18} {each.minutes:3} min   {mark}".rstrip())
    print()
    if not WORK.is_dir():
        print(f"Next: {CALLED} start")
    elif following:
        print(f"Next: read {(following.directory / 'README.md').relative_to(PROJECT).as_posix()}")
        if predictions.questions(following) and str(following.number) not in progress.predictions:
            print(f"then: python -m course answer {following.number}")
        elif following.files:
            print(f"then: python -m course check {following.number}")
    else:
        print("All done. Your network learns in the real thing: python -m course watch")


def next_chapter(progress: Progress) -> Chapter | None:
    return next((each for each in CHAPTERS if progress.state(each) != "done"), None)


def chosen(arguments: argparse.Namespace, progress: Progress) -> Chapter:
    if arguments.chapter is not None:
        return chapter(arguments.chapter)
    return next_chapter(progress) or CHAPTERS[-1]


def check(arguments: argparse.Namespace, rest: list[str]) -> None:
    progress = Progress()
    if not WORK.is_dir():
        raise BadInput(f"there is no {WORK}/ here: {CALLED} start makes it, in the directory you are in")
    it = chosen(arguments, progress)
    print(f"Chapter {it.number}, {it.title}")
    if not it.files:
        print(f"This chapter has only questions: python -m course answer {it.number}")
        return
    for about, wrong in checking.run(it):
        print(f"  {'no' if wrong else 'ok'}  {about}", flush=True)
        if wrong:
            print(textwrap.fill(wrong, WIDTH, initial_indent="      ", subsequent_indent="      "))
            print(f"\nHints: {(it.directory / 'README.md').relative_to(PROJECT).as_posix()}")
            sys.exit(1)
    progress.passed[str(it.number)] = it.fingerprint()
    progress.save()
    following = next_chapter(progress)
    again = ", which has changed since its check" if following and progress.state(following) == "changed" else ""
    print(
        f"\nChapter {it.number} is done."
        + (f" Next: chapter {following.number}, {following.title}{again}." if following else "")
    )


def answer(arguments: argparse.Namespace, rest: list[str]) -> None:
    progress = Progress()
    it = chosen(arguments, progress)
    questions = predictions.questions(it)
    if not questions:
        raise BadInput(f"chapter {it.number} has no questions")
    print(f"Chapter {it.number}, {it.title}\n")
    if arguments.answers:
        answers = predictions.all_read(it, arguments.answers)
    else:
        answers = [ask(number, question) for number, question in enumerate(questions, start=1)]
    for number, (question, given) in enumerate(zip(questions, answers, strict=True), start=1):
        print(wrapped(predictions.told(number, question, given)) + "\n")
    progress.predictions[str(it.number)] = answers
    if not it.files:  # a chapter without files is done when its questions are answered
        progress.passed[str(it.number)] = it.fingerprint()
    progress.save()


def wrapped(text: str) -> str:
    """Lines of the usual width. Commands stay on one line, to be copied."""
    lines = text.splitlines()
    return "\n".join(
        line if line.startswith("   python ") else textwrap.fill(line, WIDTH, subsequent_indent="   ") for line in lines
    )


def ask(number: int, question: dict) -> str:
    """Ask at the terminal until the answer is valid."""
    print(wrapped(predictions.asked(number, question)))
    while True:
        try:
            return predictions.read(question, input("   Your prediction: "))
        except BadInput as problem:
            print(f"   {problem}")
        except EOFError:
            raise BadInput("the input ended before all questions were answered") from None


def solution(arguments: argparse.Namespace, rest: list[str]) -> None:
    it = chosen(arguments, Progress())
    for name, source in it.files.items():
        where = source if name in it.package_files else (it.directory / source).relative_to(PROJECT).as_posix()
        print(f"# ---- my_nn/{name}, from {where} ----\n\n{it.solution(name)}")


def notebooks(arguments: argparse.Namespace, rest: list[str]) -> None:
    from course.notebooks import write

    for each in CHAPTERS:
        print(f"wrote {write(each, arguments.directory)}")


def watch(arguments: argparse.Namespace, rest: list[str]) -> None:
    in_the_real_thing("nn_from_scratch.web.__main__", "python -m nn_from_scratch.web", rest)


def train(arguments: argparse.Namespace, rest: list[str]) -> None:
    in_the_real_thing(str(programs.HOME / "train.py"), "train.py", rest)


def in_the_real_thing(program: str, name: str, options: list[str]) -> None:
    """Run a program of the package in this process, with the learner's classes in place of the package's."""
    from course.graft import graft, leave_out_presets

    print(f"These classes are yours: {', '.join(graft())}. All others are the package's.", flush=True)
    if missing := leave_out_presets():
        print(f"Presets left out, because they need more than the course's classes can do: {', '.join(missing)}.")
    sys.argv = [name, *options]
    if Path(program).suffix == ".py":
        runpy.run_path(program, run_name="__main__")
    else:
        runpy.run_module(program, run_name="__main__")


if __name__ == "__main__":
    main()
