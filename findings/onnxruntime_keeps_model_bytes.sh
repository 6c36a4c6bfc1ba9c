#!/usr/bin/env bash
# onnxruntime 1.32.0: a session that was created from bytes holds on to these bytes for as long as it lives.
#
# `InferenceSession` takes the path of a model or its serialized bytes. It parses them and copies the weights, so a good guess is that both
# ways take the same memory once the session is there, and that bytes that nobody else holds are freed.
# Seen with onnxruntime 1.32.0: the session keeps a reference to the bytes, in case it should ever be set up again with other providers. With
# a model of 10 MB a process has 10 MB more for each session that it created from bytes, beside the weights in the runtime itself; with a
# path it has not.
set -euo pipefail
export ORT_DISABLE_TELEMETRY=1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
"$folder/venv/bin/python" - "$folder/model.onnx" <<'PYTHON'
import gc
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

SIZE = 2_500_000
weights = numpy_helper.from_array(np.ones(SIZE, np.float32), "weights")
ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [SIZE]) for name in ("x", "y")]
graph = helper.make_graph([helper.make_node("Add", ["x", "weights"], ["y"])], "add", ends[:1], ends[1:], [weights])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=9)
path = Path(sys.argv[1])
onnx.save(model, path)
content = path.read_bytes()
alone = sys.getrefcount(content)
from_bytes = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
from_path = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
gc.collect()
held = sys.getrefcount(content) - alone
print(f"{len(content):,} bytes of a model: {held} reference to them is held by the session that was created from them")
del from_path
assert held == 1, "the session lets go of the bytes now: this finding is out of date"
del from_bytes
gc.collect()
assert sys.getrefcount(content) == alone, "something else holds the bytes: this finding is out of date"
PYTHON
