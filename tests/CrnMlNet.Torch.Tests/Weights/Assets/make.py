"""Writes the .pth and .mat files beside it, with PyTorch 1.13 and SciPy 1.10 (Debian 12: python3-torch, python3-scipy)."""
from collections import OrderedDict

import numpy as np
import scipy.io
import torch

# .pth: every type that is read, views of all kinds, and what training code puts around a state dictionary.
base = torch.arange(60, dtype=torch.float32).reshape(3, 4, 5)
tied = torch.arange(6, dtype=torch.float32)
state = OrderedDict(
    plain=base.clone(),
    transposed=base.permute(2, 0, 1),
    sliced=base[1:, ::2, 1:4],
    expanded=torch.tensor([7.0, 8.0]).reshape(1, 2, 1).expand(3, 2, 4),
    windows=tied.as_strided((3, 4), (1, 1)),
    tied=tied,
    tail=tied[4:],
    empty=torch.zeros(2, 0, 3),
    scalar=torch.tensor(0.15625),
    parameter=torch.nn.Parameter(torch.tensor([1.5, -2.5])),
    half=torch.tensor([1.0, -2.0, 65504.0], dtype=torch.float16),
    bfloat16=torch.tensor([1.0, -2.0, 3.140625], dtype=torch.bfloat16),
    double=torch.tensor([0.1, 1e300, -0.5], dtype=torch.float64),
    bool=torch.tensor([True, False, True]),
    uint8=torch.tensor([0, 127, 255], dtype=torch.uint8),
    int8=torch.tensor([0, 127, -128], dtype=torch.int8),
    int16=torch.tensor([1, -1, -32768], dtype=torch.int16),
    int32=torch.tensor([1, -2, 65536], dtype=torch.int32),
    int64=torch.tensor([1, -1, 2**40]),
)
state._metadata = {"": {"version": 1}}
training = {
    "epoch": 3, "best": 0.25, "name": "größe", "big": 2**70, "none": None, "flags": (True, False), "history": [1.0, 2.0],
    "state_dict": state, "optimizer": {"state": {0: {"step": 5, "exp_avg": torch.tensor([9.0])}}, "param_groups": [{"betas": (0.9, 0.999), "params": [0]}]},
}
torch.save(state, "zip.pth")
torch.save(state, "legacy.pth", _use_new_zipfile_serialization=False)
torch.save(training, "training.pth", pickle_protocol=4)
torch.save(torch.nn.Linear(2, 1), "module.pth")

# .mat: a network of two convolutions in each of the ways that MatConvNet's releases write one. MATLAB's arrays are
# H x W x inputs x outputs; every value tells where it stands.
def kernel(h, w, i, o):
    at = np.indices((h, w, i, o))
    return (1000 * at[3] + 100 * at[2] + 10 * at[0] + at[1]).astype(np.float32)

def cell(*items):
    array = np.empty((1, len(items)), dtype=object)
    array[0, :] = items
    return array

def layer(order, **fields):
    return {name: fields[name] for name in order.split() if name in fields}

def layers(order):
    conv1 = dict(type="conv", name="conv1_1", stride=[1.0, 1.0], pad=[1.0] * 4)
    conv2 = dict(type="conv", name="conv1_2", stride=[1.0, 1.0], pad=[0.0] * 4)
    k1, b1, k2, b2 = kernel(3, 2, 3, 4), np.float32([[0.5, 1.5, 2.5, 3.5]]), kernel(1, 1, 4, 1), np.float32([[-1.0]])
    if "filters" in order:
        conv1.update(filters=k1, biases=b1.T)
        # As MATLAB does, without the last dimension of 1.
        conv2.update(filters=k2[:, :, :, 0], biases=b2)
    else:
        conv1.update(weights=cell(k1, b1))
        conv2.update(weights=cell(k2, b2))
    return cell(layer(order, **conv1), layer(order, type="relu", name="relu1_1"), layer(order, **conv2), layer(order, type="pool", name="pool1", pool=[2.0, 2.0]))

mean = np.arange(2 * 3 * 3, dtype=np.float32).reshape(2, 3, 3)
meta = {"inputs": {"name": "data"}, "normalization": {"imageSize": [[2.0, 3.0, 3.0]], "averageImage": mean}}
scipy.io.savemat("weights-first.mat", {"layers": layers("weights type name stride pad pool"), "meta": meta}, do_compression=True)
scipy.io.savemat("weights-third.mat", {"meta": meta, "layers": layers("name type weights pad stride pool")}, do_compression=False)
scipy.io.savemat("filters.mat", {"layers": layers("type name filters biases stride pad pool"), "normalization": meta["normalization"], "classes": {"name": "road"}}, do_compression=True)
scipy.io.savemat("net.mat", {"net": {"layers": layers("name weights type"), "meta": meta}}, do_compression=True)
