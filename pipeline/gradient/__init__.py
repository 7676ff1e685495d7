"""The gradient of a unit: the cone of its steps, what they cost, and running them forward and back."""
