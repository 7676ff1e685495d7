"""An example and the page to read on, at the end of each command's help."""

from pathlib import Path

EXAMPLES: dict[str, tuple[str, str]] = {
    "run": ("erfsweep run '4x3x3, 5x5' -s seed=0,1 --name first", "stems.md"),
    "submit": ("erfsweep submit luo2016-growth -s kernel=3", "store.md"),
    "work": ("erfsweep work --engine processes", "store.md"),
    "status": ("erfsweep status luo2016", "store.md"),
    "ls": ("erfsweep ls", "store.md"),
    "table": ("erfsweep table luo2016 --where 'ratio < 0.8' --sort -ratio", "asking.md"),
    "show": ("erfsweep show luo2016:2 --log --save heatmap.png", "measuring.md"),
    "compare": ("erfsweep compare luo2016:0 luo2016:1", "asking.md"),
    "export": ("erfsweep export luo2016 --to results", "asking.md"),
    "growth": ("erfsweep growth luo2016 --size luo", "asking.md"),
    "pareto": ("erfsweep pareto luo2016 --max luo --min macs", "plots.md"),
    "report": ("erfsweep report luo2016 -o luo2016.html", "report.md"),
    "ui": ("erfsweep ui --port 5007", "report.md"),
    "measure": ("erfsweep measure luo2016 --again", "measuring.md"),
    "theory": ("erfsweep theory '7x7/2:64 max3x3/2' --input 224", "theory.md"),
    "import": ("erfsweep import resnet18.onnx --input 224", "models.md"),
    "requeue": ("erfsweep requeue luo2016 --failed", "store.md"),
    "rename": ("erfsweep rename luo2016 original", "store.md"),
    "rm": ("erfsweep rm luo2016 --yes", "store.md"),
    "fields": ("erfsweep fields", "fields.md"),
    "presets": ("erfsweep presets luo2016 > mine.yaml", "stems.md"),
    "schema": ("erfsweep schema sweep > sweep.schema.json", "schema.md"),
    "plot": ("erfsweep plot heatmap luo2016:4 -o heatmap.pdf", "plots.md"),
    "plot heatmap": ("erfsweep plot heatmap luo2016:4 -o heatmap.pdf", "plots.md"),
    "plot heatmaps": ("erfsweep plot heatmaps luo2016 --scale log --width 7 -o heatmaps.png", "plots.md"),
    "plot curves": ("erfsweep plot curves luo2016 -o curves.svg", "plots.md"),
    "plot growth": ("erfsweep plot growth luo2016 --size luo -o growth.pdf", "plots.md"),
    "plot compare": ("erfsweep plot compare luo2016:2 luo2016:3 -o compare.pdf", "plots.md"),
    "plot layers": ("erfsweep plot layers net --over seed -o layers.pdf", "plots.md"),
    "plot pareto": ("erfsweep plot pareto luo2016 --max luo --min macs -o pareto.pdf", "plots.md"),
    "db": ("erfsweep db info", "store.md"),
    "db info": ("erfsweep db info", "store.md"),
    "db upgrade": ("erfsweep db upgrade", "store.md"),
    "db backup": ("erfsweep db backup kept.db", "store.md"),
    "db restore": ("erfsweep db restore kept.db", "store.md"),
    "db copy": ("erfsweep db copy sqlite:///erfsweep.db sqlite:///copy.db", "store.md"),
    "db prune": ("erfsweep db prune", "store.md"),
    "db check": ("erfsweep db check --mend", "store.md"),
}
"""(a line, a page of docs/) by command, in the order of the help page. A line works where luo2016 is stored, and layers
of a network as `net`."""
_OF_ALL = ("erfsweep run luo2016", "first.md")

_HERE = Path(__file__).parents
_FOLDERS = (_HERE[1] / "docs", _HERE[min(4, len(_HERE) - 1)] / "share" / "doc" / "erfsweep")
"""Where the pages lie: beside the source, or where an installation puts them, below the folder of its libraries."""
PAGES = next((folder for folder in _FOLDERS if (folder / "store.md").exists()), None)
"""The folder of the pages, None where somebody has removed it."""


def epilog(command: str | None = None) -> str:
    """The last lines of the help of a command, or of `erfsweep` itself: an example, and the path of a page."""
    example, page = _OF_ALL if command is None else EXAMPLES[command]
    return f"Example: {example}" + (f"\n\nMore: {PAGES / page}" if PAGES else "")
