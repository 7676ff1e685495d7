"""How things look: tables, heatmaps and pages."""
