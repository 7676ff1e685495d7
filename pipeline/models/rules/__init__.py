"""Rules that translate the operations of ONNX."""
