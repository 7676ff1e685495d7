"""Runs the examples, draws their pictures and writes a page with the numbers that they show.

python -m gallery [--to build/gallery] [--docs]

The results stay in a store in that folder, so that the second time nothing is measured. `--docs` writes the page and
the pictures of docs/ again.
"""

import argparse
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from erfsweep import open_store
from gallery.claims import claims
from gallery.example import FOLDER, Example, examples, words_of
from gallery.page import page

ROOT = Path(__file__).parents[1]


def main() -> int:
    """The exit code: 1 where a number is not what it must be."""
    parser = argparse.ArgumentParser(prog="python -m gallery", description=__doc__)
    parser.add_argument("--to", type=Path, default=ROOT / "build" / "gallery", help="the folder of store and pictures")
    parser.add_argument("--docs", action="store_true", help="write docs/examples.md and its pictures, too")
    arguments = parser.parse_args()
    arguments.to.mkdir(parents=True, exist_ok=True)
    (arguments.to / "examples").unlink(missing_ok=True)
    (arguments.to / "examples").symlink_to(FOLDER)
    _find_models()
    made = [each for each in examples() if _made(each, arguments.to)]
    with open_store(f"sqlite:///{arguments.to / 'erfsweep.db'}") as store:
        measured = {(each.name, claim.says): claim.measured(store) for each in made for claim in claims()[each.name]}
    (arguments.to / "examples.md").write_text(
        page(made, measured, ".", os.path.relpath(ROOT, arguments.to)), encoding="utf-8"
    )
    print(f"{arguments.to / 'examples.md'} written")
    if arguments.docs:
        if len(made) < len(examples()):
            parser.error("an example was left out, see above, so that docs/examples.md stays as it is")
        folder = ROOT / "docs" / "examples"
        folder.mkdir(exist_ok=True)
        for each in made:
            for picture in each.pictures:
                shutil.copyfile(arguments.to / picture, folder / picture)
        (ROOT / "docs" / "examples.md").write_text(page(made, measured), encoding="utf-8")
        print("docs/examples.md written")
    wrong = [
        f"{each.name}: {claim.says} is {measured[each.name, claim.says]:g}, not {claim.expected.words}"
        for each in made
        for claim in claims()[each.name]
        if not claim.expected.holds(measured[each.name, claim.says])
    ]
    print("\n".join(wrong) if wrong else "every number is what it must be")
    return 1 if wrong else 0


def _made(example: Example, folder: Path) -> bool:
    """Runs the commands of an example in the folder. False where it needs something that is not there."""
    print(f"{example.title}: {example.question}")
    for command in example.commands:
        try:
            words = words_of(command)
        except LookupError as error:
            print(f"left out: set {error.args[0]}, as {example.file} says")
            return False
        if words[0] == "run":
            words.append("--replace")  # of an earlier time, when the file was another
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "ERFSWEEP_DB": "sqlite:///erfsweep.db"}
        ended = subprocess.run([sys.executable, "-m", "erfsweep", *words], cwd=folder, env=environment, check=False)
        if ended.returncode:
            sys.exit(f"`{command}` ended with {ended.returncode}, as it says above")
    return True


def _find_models() -> None:
    """Sets MODELS to the models of rapidocr where the package is installed and nobody has set it."""
    found = find_spec("rapidocr_onnxruntime")
    if found is not None and found.submodule_search_locations:
        os.environ.setdefault("MODELS", str(Path(found.submodule_search_locations[0], "models")))


if __name__ == "__main__":
    sys.exit(main())
