"""Stems: the structs of layers, the notation, the network on an input plane, and its geometry."""
