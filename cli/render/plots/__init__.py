"""Pictures for print: figures of Matplotlib, drawn from the plain structs of `store/asking/`.

Both the command and `erfsweep.py` draw with it, so nothing here knows Typer. Matplotlib is an extra: only
`cli/render/plots/figure.py` and what imports it need it, and `style.needed` says how to install it.
"""
