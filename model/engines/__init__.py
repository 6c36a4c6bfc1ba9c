"""What runs one step of the network: ONNX Runtime, torch or numpy behind one seam; and the network itself."""
