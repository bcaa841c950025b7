"""Prints where limits.py and the documentation in EC2's own model disagree, in JSON: a list of sentences."""

import json
import re

import limits
from model import SERVICE

# "gp3: 3,000 (default) - 80,000", "st1 and sc1: 125 - 16,384"
RANGE = re.compile(r"((?:\w+ and )?\w+): ([\d,]+)(?: \(default\))? - ([\d,]+)")


def documented(action, member):
    text = SERVICE.operation_model(action).input_shape.members[member].documentation
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text))
    return {
        name: (int(low.replace(",", "")), int(high.replace(",", "")))
        for names, low, high in RANGE.findall(text)
        for name in names.split(" and ")
    }


pairs = [
    ("gp3 Throughput", limits.TYPES["gp3"].throughput, documented("CreateVolume", "Throughput").get("Range")),
    (
        "VolumeInitializationRate",
        limits.INITIALIZATION_RATE,
        documented("CreateVolume", "VolumeInitializationRate").get("range"),
    ),
]
for action in ("CreateVolume", "ModifyVolume"):
    for name, of in limits.TYPES.items():
        pairs.append((f"{action} {name} Size", of.size, documented(action, "Size").get(name)))
        pairs.append((f"{action} {name} Iops", of.iops, documented(action, "Iops").get(name)))

print(json.dumps([f"{what}: here {here}, there {there}" for what, here, there in pairs if here != there]))
