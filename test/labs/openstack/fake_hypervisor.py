"""Nova's own fake driver, that also tells which volumes it was given: <state>/plugged/<server>/<volume>."""

import os

from nova.virt import fake


class Driver(fake.MediumFakeDriver):
    def _file(self, connection_info, instance):
        directory = os.path.join(os.environ["LAB_STATE"], "plugged", instance.uuid)
        os.makedirs(directory, exist_ok=True)
        return os.path.join(directory, connection_info["serial"])

    def attach_volume(self, context, connection_info, instance, mountpoint, **kwargs):
        super().attach_volume(context, connection_info, instance, mountpoint, **kwargs)
        open(self._file(connection_info, instance), "w").close()

    def detach_volume(self, context, connection_info, instance, mountpoint, encryption=None):
        super().detach_volume(context, connection_info, instance, mountpoint, encryption)
        os.unlink(self._file(connection_info, instance))
