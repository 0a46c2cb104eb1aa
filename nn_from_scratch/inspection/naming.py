"""Names of classes and samples in sentences: "a sneaker", "an 8", "trousers"."""

import re

# Names that begin with a vowel when read aloud: 8, 11, 18 and 80; single letters, alone or as in "X-ray"; and words,
# but not words such as "uniform" and "one".
_VOWEL = re.compile(
    r"8|1[18](?!\d)|[aefhilmnorsx](?![a-z])|(?!eu|onc?e\b|u(ni|[bcfhjkqrst][aeiou]))[aeiou][a-z]|ho(ur|nest|nou?r)|heir",
    re.IGNORECASE,
)
_PLURAL = re.compile(r"[a-rt-z]s$(?<!us)(?<!is)(?<!as)", re.IGNORECASE)  # "trousers", not "dress" and not "bus"


def with_article(name: str) -> str:
    """ "a 3", "an 8", "an ankle boot"; plural words such as "trousers" get no article."""
    if _PLURAL.search(name):
        return name
    return f"an {name}" if _VOWEL.match(name) else f"a {name}"
