"""The helper itself: how numbers are read, when they agree, and that none is passed over."""

import pytest

from tests.docs.numbers import Document, Number, agree


@pytest.mark.parametrize(
    ("text", "value", "digit"),
    [
        ("12", 12, 1),
        ("−0.0180", -0.018, 1e-4),
        ("-4", -4, 1),
        ("1,500", 1500, 100),
        ("109,386", 109_386, 1),
        ("2.0", 2, 0.1),
        ("10^{-8}", 1e-8, 1e-8),
        (r"1.2 \cdot 10^{-38}", 1.2e-38, 1e-39),
        (r"3 \cdot 10^5", 3e5, 1e5),
        ("7.038531e-26", 7.038531e-26, 1e-32),
        ("0", 0, 1),
    ],
)
def test_a_number_is_read_as_it_is_written(text, value, digit):
    number = Number(text)
    assert number == value
    assert number.digit == pytest.approx(digit)


@pytest.mark.parametrize(
    ("text", "found", "right"),
    [
        ("0.35", 0.3549, True),
        ("0.35", 0.3551, False),
        ("1,400", 1448.2, True),
        ("1,500", 1448.2, False),
        ("12", 12, True),
        ("1,500", 1490, False),  # a count is exact
        (r"4 \cdot 10^{-4}", 3.6e-4, True),
        (r"4 \cdot 10^{-4}", 4.6e-4, False),
    ],
)
def test_a_number_agrees_with_what_is_rounded_to_it(text, found, right):
    if right:
        agree([Number(text)], [found])
    else:
        with pytest.raises(AssertionError, match="the text says"):
            agree([Number(text)], [found])


def test_sentences_are_found_across_lines_and_must_be_there_once():
    document = Document("A gross is\n12 dozen, 144 in all.\n\n| −1 | 2 |\n")
    assert document.numbers("gross is # dozen, # in all", "| # | # |") == [12, 144, -1, 2]
    for sentence in ("a score is # dozen", "#"):
        with pytest.raises(AssertionError, match="times in the document"):
            document.numbers(sentence)


def test_a_number_that_no_test_names_is_found():
    text = r"""Each of 5 layers, 784-10-10 and float32, $x^2 + 0.5$, [a link](page.md#part-7).

```math
1 + 2 = 10^{-3}
```

```python
print(42)
```

## Sources

- A. Author, 1999.
"""
    document = Document(text)
    document.names(r"784-10-10")
    found = [line.partition(" in line")[0] for line in document.unclaimed()]
    assert found == ["5", "0.5", "10^{-3}"]
    document.says("Each of # layers", "2 + #$", "= #")
    assert document.unclaimed() == []
