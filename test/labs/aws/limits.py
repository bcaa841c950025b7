"""What EC2 refuses by the limits of EBS, which moto lets pass. This is what tests of the package are judged by: the numbers
are those that EC2's own model gives in its documentation (documented.py holds them together) and, for the ratios, those
that EC2 names when it refuses. They are written down here once more, and not taken from the package, for that reason.
"""

from dataclasses import dataclass, replace

from refused import Refused


@dataclass(frozen=True)
class Type:
    size: tuple  # GiB, from and to
    iops: tuple | None = None  # from and to, where they can be set
    iops_per_gib: int | None = None
    throughput: tuple | None = None  # MiB/s, from and to, where it can be set
    multi_attach: bool = False
    iops_required: bool = False


TYPES = {
    "gp2": Type(size=(1, 16384)),
    "gp3": Type(size=(1, 65536), iops=(3000, 80000), iops_per_gib=500, throughput=(125, 2000)),
    "io1": Type(size=(4, 16384), iops=(100, 64000), iops_per_gib=50, multi_attach=True, iops_required=True),
    "io2": Type(size=(4, 65536), iops=(100, 256000), iops_per_gib=1000, multi_attach=True, iops_required=True),
    "st1": Type(size=(125, 16384)),
    "sc1": Type(size=(125, 16384)),
    "standard": Type(size=(1, 1024)),
}
DEFAULT_TYPE = "gp2"
DEFAULT_IOPS = 3000
DEFAULT_THROUGHPUT = 125
THROUGHPUT_PER_IOPS = 0.25
INITIALIZATION_RATE = (100, 300)
MODIFICATIONS = 4
MODIFICATION_WINDOW = 24 * 3600


@dataclass(frozen=True)
class Wanted:
    """A volume as it is to be. None is what was not said, where nothing stands in for it."""

    type: str
    size: int
    iops: int | None = None
    throughput: int | None = None
    multi_attach: bool = False

    def settled(self):
        """With what EC2 puts in, and reports, where nothing was said; gp2 has IOPS by its size."""
        of = TYPES[self.type]
        iops = self.iops
        if self.type == "gp2":
            iops = min(16000, max(100, 3 * self.size))
        elif of.iops and iops is None:
            iops = DEFAULT_IOPS
        throughput = self.throughput
        if of.throughput and throughput is None:
            throughput = DEFAULT_THROUGHPUT
        return replace(self, iops=iops, throughput=throughput)


def check_create(params, snapshot_size=None):
    """Raises Refused, for the parameters of a CreateVolume that its model lets pass."""
    if params.get("KmsKeyId") and not params.get("Encrypted"):
        raise Refused("InvalidParameterDependency", "The parameter [KmsKeyId] requires the parameter Encrypted to be set.")
    if "Size" not in params and "SnapshotId" not in params:
        raise Refused("MissingParameter", "The request must contain the parameter size/snapshot")
    rate = params.get("VolumeInitializationRate")
    if rate is not None:
        if "SnapshotId" not in params:
            raise Refused("InvalidParameterCombination", "VolumeInitializationRate is supported for snapshots only")
        _within(rate, INITIALIZATION_RATE, "VolumeInitializationRate")
    size = params.get("Size", snapshot_size)
    if snapshot_size is not None and size < snapshot_size:
        raise Refused("InvalidParameterValue", f"Volume of {size}GiB is smaller than snapshot, expect size>= {snapshot_size}GiB")
    wanted = Wanted(
        params.get("VolumeType", DEFAULT_TYPE),
        size,
        params.get("Iops"),
        params.get("Throughput"),
        params.get("MultiAttachEnabled", False),
    )
    if TYPES[wanted.type].iops_required and wanted.iops is None:
        raise Refused("MissingParameter", "The request must contain the parameter iops")
    _check(wanted)


def modified(now, params):
    """What a volume becomes by the parameters of a ModifyVolume; raises Refused. `now` is what it is, settled."""
    given = {key: params[key] for key in ("Size", "VolumeType", "Iops", "Throughput", "MultiAttachEnabled") if key in params}
    if not given:
        raise Refused("InvalidParameterValue", "Invalid input: Must specify at least one of size, type, iops, throughput")
    wanted = Wanted(
        given.get("VolumeType", now.type),
        given.get("Size", now.size),
        given.get("Iops"),
        given.get("Throughput"),
        given.get("MultiAttachEnabled", now.multi_attach),
    )
    if wanted.size < now.size:
        raise Refused("InvalidParameterValue", "New size cannot be smaller than existing size")
    of = TYPES[wanted.type]
    if wanted.type == now.type:
        # What was not said stays as it is.
        if of.iops and wanted.iops is None:
            wanted = replace(wanted, iops=now.iops)
        if of.throughput and wanted.throughput is None:
            wanted = replace(wanted, throughput=now.throughput)
    elif of.iops and wanted.iops is None:
        wanted = replace(wanted, iops=DEFAULT_IOPS)
    _check(wanted)
    return wanted.settled()


def _check(wanted):
    """Whether there can be such a volume."""
    of = TYPES[wanted.type]
    low, high = of.size
    if wanted.size < low:
        raise Refused("InvalidParameterValue", f"Volume of {wanted.size}GiB is too small; minimum is {low}GiB.")
    if wanted.size > high:
        raise Refused("InvalidParameterValue", f"Volume of {wanted.size}GiB is too large for volume type {wanted.type}; maximum is {high}GiB")
    if wanted.multi_attach and not of.multi_attach:
        raise Refused("InvalidParameterCombination", f"Multi-Attach is not supported for {wanted.type} volumes")
    if wanted.iops is not None:
        if not of.iops:
            raise Refused("InvalidParameterCombination", f"The parameter iops is not supported for {wanted.type} volumes.")
        _within(wanted.iops, of.iops, "Volume iops")
        ratio = wanted.iops / wanted.size
        # The least of a type is within any ratio: gp3 has its 3,000 at 1 GiB too.
        if ratio > of.iops_per_gib and wanted.iops > of.iops[0]:
            raise Refused("InvalidParameterValue", f"Iops to volume size ratio of {ratio:.6f} is too high; maximum is {of.iops_per_gib}")
    if wanted.throughput is not None:
        if not of.throughput:
            raise Refused("InvalidParameterCombination", f"The parameter throughput is not supported for {wanted.type} volumes.")
        _within(wanted.throughput, of.throughput, "Volume throughput")
        ratio = wanted.throughput / (wanted.iops or DEFAULT_IOPS)
        if ratio > THROUGHPUT_PER_IOPS:
            raise Refused(
                "InvalidParameterValue",
                f"Throughput (MiBps) to iops ratio of {ratio:.6f} is too high; maximum is {THROUGHPUT_PER_IOPS:.6f} MiBps per iops",
            )


def _within(value, limits, what):
    low, high = limits
    if value < low:
        raise Refused("InvalidParameterValue", f"{what} of {value} is too low; minimum is {low}.")
    if value > high:
        raise Refused("InvalidParameterValue", f"{what} of {value} is too high; maximum is {high}.")
