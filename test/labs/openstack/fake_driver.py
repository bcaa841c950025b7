"""A driver for Cinder without anything behind it: volumes are rows of Cinder's database. What Cinder itself does (quotas,
scheduling, types, states) is all its own."""

import os

from cinder.volume import driver

CAPACITY_GB = 10_000


class Driver(driver.VolumeDriver):
    VERSION = "1.0"

    def _step(self, name):
        """Fails if the lab was told that the next one of these should: see POST /lab/break."""
        told = os.path.join(os.environ["LAB_STATE"], "break", name)
        try:
            os.rename(told, told + ".done")
        except OSError:
            return
        raise RuntimeError(f"the test wants {name} to fail")

    def check_for_setup_error(self):
        pass

    def _update_volume_stats(self):
        name = self.configuration.safe_get("volume_backend_name")
        pool = {
            "pool_name": name,
            "total_capacity_gb": CAPACITY_GB,
            "free_capacity_gb": CAPACITY_GB,
            "provisioned_capacity_gb": 0,
            "reserved_percentage": 0,
            "QoS_support": True,
            "multiattach": True,
            "filter_function": self.get_filter_function(),
            "goodness_function": self.get_goodness_function(),
        }
        self._stats = {
            "volume_backend_name": name,
            "vendor_name": "lab",
            "driver_version": self.VERSION,
            "storage_protocol": "iSCSI",
            "pools": [pool],
        }

    def create_volume(self, volume):
        self._step("create")

    def create_volume_from_snapshot(self, volume, snapshot):
        self._step("create")

    def create_cloned_volume(self, volume, src_vref):
        self._step("create")

    def delete_volume(self, volume):
        self._step("delete")

    def extend_volume(self, volume, new_size):
        self._step("extend")

    def retype(self, context, volume, new_type, diff, host):
        self._step("retype")
        return True, None  # on the same backend: what is beneath can be any type

    def create_snapshot(self, snapshot):
        self._step("snapshot")

    def delete_snapshot(self, snapshot):
        pass

    def ensure_export(self, context, volume):
        pass

    def create_export(self, context, volume, connector):
        pass

    def remove_export(self, context, volume):
        pass

    def initialize_connection(self, volume, connector, **kwargs):
        return {"driver_volume_type": "iscsi", "data": {"target_lun": 1}}

    def terminate_connection(self, volume, connector, **kwargs):
        pass
