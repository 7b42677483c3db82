"""Export: safetensors to files for ONNX Runtime, and how far the two agree."""
