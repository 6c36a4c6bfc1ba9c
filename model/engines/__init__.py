"""The network, and the engines that run one step of it: ONNX Runtime, torch or numpy behind one interface."""
