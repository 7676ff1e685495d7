"""A heatmap as a picture without Matplotlib: its layout in dots, its colours, and a PNG file of them."""
