"""Numbers in sentences."""

from collections.abc import Sequence

from pipeline.errors import counted


def orphans_left(number: int) -> str:
    """A clause about configs that belong to no sweep."""
    verb = "belongs" if number == 1 else "belong"
    return f"{counted(number, 'config')} {verb} to no sweep (`erfsweep db prune` removes what belongs to none)"


def listed(numbers: Sequence[int]) -> str:
    """Ascending integers, runs of three and more as their ends: 1, 4 to 9, 12."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)
