"""Volumes as EC2 has them, where moto's are otherwise: what a type has for nothing is reported, a change leaves nothing
behind that the new type doesn't have, a change takes its time and can't be repeated at will, and a volume of some types can
be attached to several instances. moto's own methods are replaced, so that its responses say what is so.
"""

import datetime

from moto.ec2.exceptions import InvalidVolumeAttachmentError
from moto.ec2.models import elastic_block_store as moto
from moto.ec2.models.elastic_block_store import EBSBackend, Volume, VolumeModification

import limits
from limits import Wanted
from refused import Refused

MOST_ATTACHMENTS = 16  # of a volume with Multi-Attach


class Clock:
    """EC2's own, which tests move."""

    def __init__(self):
        self.ahead = 0

    def now(self):
        return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) + datetime.timedelta(seconds=self.ahead)


clock = Clock()

# How long a modification is "optimizing" before it is "completed". Hours in EC2; nothing here, unless a test says so.
optimizing = datetime.timedelta(0)


def set_optimizing(seconds):
    global optimizing
    optimizing = datetime.timedelta(seconds=seconds)


def view(volume):
    """A volume of moto's as the limits see it."""
    return Wanted(volume.volume_type, int(volume.size), volume.iops, volume.throughput, bool(volume.multi_attach_enabled))


def _settle(volume, wanted):
    volume.size, volume.volume_type, volume.iops = wanted.size, wanted.type, wanted.iops
    volume.throughput, volume.multi_attach_enabled = wanted.throughput, wanted.multi_attach


class Modification(VolumeModification):
    def __init__(self, volume, before, after):
        self.volume = volume
        for when, what in (("original", before), ("target", after)):
            setattr(self, f"{when}_size", what.size)
            setattr(self, f"{when}_volume_type", what.type)
            setattr(self, f"{when}_iops", what.iops)
            setattr(self, f"{when}_throughput", what.throughput)
            setattr(self, f"{when}_multi_attach_enabled", what.multi_attach)
        self.start_time = clock.now()
        self.completed_at = self.start_time + optimizing

    @property
    def modification_state(self):
        return "completed" if clock.now() >= self.completed_at else "optimizing"

    @property
    def end_time(self):
        return self.completed_at if self.modification_state == "completed" else None

    @property
    def progress(self):
        if self.modification_state == "completed":
            return 100
        return int(100 * (clock.now() - self.start_time) / (self.completed_at - self.start_time))


def check_modification(volume):
    """Raises Refused when it isn't time yet for another one."""
    if volume.modifications and volume.modifications[-1].modification_state != "completed":
        state = volume.modifications[-1].modification_state.upper()
        raise Refused("IncorrectModificationState", f"Volume {volume.id} cannot be modified in modification state {state}")
    since = clock.now() - datetime.timedelta(seconds=limits.MODIFICATION_WINDOW)
    if sum(each.start_time > since for each in volume.modifications) >= limits.MODIFICATIONS:
        raise Refused("VolumeModificationRateExceeded", "You've reached the maximum modification rate per volume limit.")


def check_attachment(volume, instance, device):
    if instance._placement.zone != volume.zone.name:
        raise Refused(
            "InvalidVolume.ZoneMismatch",
            f"The volume '{volume.id}' is not in the same availability zone as instance '{instance.id}'",
        )
    if device in instance.block_device_mapping:
        raise Refused("InvalidParameterValue", f"Invalid value '{device}' for unixDevice. Attachment point is already in use")
    most = MOST_ATTACHMENTS if volume.multi_attach_enabled else 1
    if len(volume.attachments) >= most or any(each.instance is instance for each in volume.attachments):
        raise Refused("VolumeInUse", f"{volume.id} is already attached to an instance")


# ---- in the place of moto's own --------------------------------------------------------------------------------------

_create_volume, _attach_volume = EBSBackend.create_volume, EBSBackend.attach_volume


def create_volume(self, *args, **kwargs):
    volume = _create_volume(self, *args, **kwargs)
    volume.size = int(volume.size)
    _settle(volume, view(volume).settled())
    return volume


def modify_volume(
    self,
    volume_id,
    target_size=None,
    target_volume_type=None,
    target_iops=None,
    target_throughput=None,
    target_multi_attach_enabled=None,
):
    volume = self.get_volume(volume_id)
    given = {
        "Size": target_size,
        "VolumeType": target_volume_type,
        "Iops": target_iops,
        "Throughput": target_throughput,
        "MultiAttachEnabled": target_multi_attach_enabled,
    }
    before = view(volume)
    after = limits.modified(before, {key: value for key, value in given.items() if value is not None})
    _settle(volume, after)
    volume.modifications.append(Modification(volume, before, after))
    return volume


def describe_volumes_modifications(self, volume_ids=None, filters=None):
    latest = [volume.modifications[-1] for volume in self.describe_volumes(volume_ids) if volume.modifications]
    return moto.generic_filter(filters, latest) if filters else latest


def attach_volume(self, volume_id, *args, **kwargs):
    volume = self.get_volume(volume_id)
    others = volume.attachments
    attachment = _attach_volume(self, volume_id, *args, **kwargs)
    volume.all_attachments = [*others, attachment]
    return attachment


def detach_volume(self, volume_id, instance_id=None, device_path=None):
    volume = self.get_volume(volume_id)
    for attachment in volume.attachments:
        if instance_id in (None, attachment.instance.id) and device_path in (None, attachment.device):
            attachment.instance.block_device_mapping.pop(attachment.device, None)
            attachment.status = "detached"
            volume.all_attachments = [each for each in volume.attachments if each is not attachment]
            volume.attachment = volume.all_attachments[-1] if volume.all_attachments else None
            return attachment
    raise InvalidVolumeAttachmentError(volume_id, instance_id)


def get_filter_value(self, filter_name, method_name=None):
    values = {
        "attachment.device": lambda each: each.device,
        "attachment.instance-id": lambda each: each.instance.id,
        "attachment.status": lambda each: each.status,
    }
    if filter_name in values:
        return [values[filter_name](each) for each in self.attachments]
    return _get_filter_value(self, filter_name, method_name)


_get_filter_value = Volume.get_filter_value


def install():
    EBSBackend.create_volume = create_volume
    EBSBackend.modify_volume = modify_volume
    EBSBackend.describe_volumes_modifications = describe_volumes_modifications
    EBSBackend.attach_volume = attach_volume
    EBSBackend.detach_volume = detach_volume
    Volume.attachments = property(lambda self: getattr(self, "all_attachments", []))
    Volume.get_filter_value = get_filter_value
