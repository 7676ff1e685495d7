"""Trained networks: an ONNX file, read once, becomes a stem of our own and a file of its weights."""

from pipeline.models.imported import Imported as Imported
from pipeline.models.imported import import_model as import_model
from pipeline.models.imported import write_import as write_import
