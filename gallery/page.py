"""The page of the examples: docs/examples.md, from their files, their claims and the numbers that were measured."""

import re
from collections.abc import Mapping, Sequence
from textwrap import fill

from gallery.claims import claims
from gallery.example import Example
from gallery.expected import number, read_number

HEAD = """# Examples

What the paper on effective receptive fields says (Luo et al. 2016, arXiv 1701.04128), and the questions that come next,
each answered by one file in `examples/`. The file has its commands in its first lines. Most take some
seconds, those of the trained networks about a minute. Type them in the root of the project. Pictures need the extra
`plot`, trained networks also `onnx`.

`make gallery` runs and draws all of them in `build/gallery`, where their results stay in a store, and writes a page of
their numbers. `make gallery ARGS=--docs` writes the page that you read, too. The tests run every command, hold every
number against what is expected of it, and say when this page is stale.

Sizes are those of the mean heatmap over draws unless a row says otherwise; [What is measured](measuring.md) defines
`luo`, `hdr` and the others. The standard deviation is `sigma_x`. In the [closed form](theory.md#the-closed-form-pred_)
its square is the sum of j² d² (k² - 1) / 12 over the layers: k is the width of the kernel, d its dilation, and j the
product of the strides before the layer.
"""
SKIPPED = "<!-- tests skip: an example, which runs in tests/test_examples.py -->"
"""What keeps the tests of all pages from running the commands a second time."""
WIDTH = 120
"""Characters in a line of a paragraph, as in the other pages."""
_ROW = re.compile(r"^\| (.+) \| (\S+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def page(
    those: Sequence[Example], measured: Mapping[tuple[str, str], float], pictures: str = "examples", root: str = ".."
) -> str:
    """The page in Markdown.

    measured: the numbers by the name of the example and by what the claim says. pictures: the folder of the pictures
    as links name it, root: that of the project; both are those of docs/examples.md unless they are given.
    """
    head = HEAD if root == ".." else HEAD.replace("](", f"]({root}/docs/")
    return head + "".join(_section(each, measured, pictures, root) for each in those)


def numbers_on(text: str) -> dict[tuple[str, str], float]:
    """The measured numbers of a page, as `page` takes them."""
    found = {}
    for section in text.split("\n## ")[1:]:
        name = re.search(r"\]\(\.\./examples/(\w+)\.", section)
        if name is not None:
            rows = _ROW.findall(section)[2:]  # below the head and its line
            found.update({(name[1], says): read_number(value) for says, value, _, _ in rows})
    return found


def _section(example: Example, measured: Mapping[tuple[str, str], float], pictures: str, root: str) -> str:
    rows = [
        (each.says, number(measured[example.name, each.says]), each.expected.words, each.source)
        for each in claims()[example.name]
    ]
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    drawn = "\n".join(f"![{example.title}: {example.question}]({pictures}/{each})" for each in example.pictures)
    commands = "\n".join(f"$ {each}" for each in example.commands)
    return (
        f"\n## {example.title}\n\n**{example.question[0].upper()}{example.question[1:]}** "
        f"[{example.file}]({root}/{example.file})\n\n{SKIPPED}\n```console\n{commands}\n```\n\n{drawn}\n\n"
        + "\n\n".join(fill(each, WIDTH, break_long_words=False, break_on_hyphens=False) for each in example.lessons)
        + f"\n\n| number | measured | expected | by |\n| --- | --- | --- | --- |\n{table}"
    )
