"""Drives the gateway with PyPowerFlex, Dell's Python client, which logs in and out around every call."""

import certifi
import requests
from PyPowerFlex import PowerFlexClient, base_client, exceptions
from PyPowerFlex.objects.common.system import SnapshotDef
from PyPowerFlex.objects.gen1 import volume as volume_client
from PyPowerFlex.objects.gen1.volume import RemoveMode

from lab import GIB_IN_KIB, ask, check, equal, fresh, mappings, place, raises, released, run, true, volume

Failed = exceptions.PowerFlexClientException
FailedCreating = exceptions.PowerFlexFailCreating
FailedDeleting = exceptions.PowerFlexFailDeleting
FailedQuerying = exceptions.PowerFlexFailQuerying
FailedRenaming = exceptions.PowerFlexFailRenaming

SUPPORTED = ("3.6", "4.5")


def new_client(**settings):
    return PowerFlexClient(
        **{
            "gateway_address": place.address,
            "gateway_port": place.port,
            "username": place.username,
            "password": place.password,
            "certificate_path": place.ca,
            **settings,
        }
    )


client = new_client()
if place.version in SUPPORTED:
    client.initialize()

GONE = "00000000ffffffff"
POOL = place.pools["domain1:pool1"]
FINE = place.pools["domain1:fine"]
SDC, OTHER_SDC = place.sdcs[0]["id"], place.sdcs[1]["id"]


def create(size=8, pool=POOL, name=None, volume_type="ThinProvisioned", **more):
    return client.volume.create(pool, size, name=name or fresh(), volume_type=volume_type, **more)


def limits(each, sdc_id=SDC):
    """What a volume that was read says of its mapping to an SDC."""
    mapping = next(mapping for mapping in each["mappedSdcInfo"] if mapping["sdcId"] == sdc_id)
    return mapping["limitIops"], mapping["limitBwInMbps"]


@check("is the client that was released")
def _():
    released("pypowerflex", base_client)
    released("pypowerflex", volume_client)


# ---- logging in ------------------------------------------------------------------------------------------------------


@check("refuses a ScaleIO that is too old for it", only=("2.0",))
def _():
    with raises(Failed, "versions lower than 3.0 are not supported"):
        new_client().initialize()


@check("reads the version", only=SUPPORTED)
def _():
    each = new_client()
    each.initialize()
    equal(each.system.api_version(cached=False), place.version, "the version")
    true(each.system.component_version().startswith(place.version), "the component's version begins like it")


@check("leaves one token after a call, and logs out of the other", only=SUPPORTED)
def _():
    # It logs in twice a call; what it doesn't log out of is the token it asks the version with.
    before = ask("sessions")
    client.volume.get()
    equal(ask("sessions") - before, 1, "the number of tokens more")


@check("goes on after the gateway was restarted", only=SUPPORTED)
def _():
    volume_id = create()["id"]
    ask("restart")
    equal(client.volume.get(volume_id)["id"], volume_id, "the volume's id")


@check("is refused with a wrong password, and with a wrong user", only=SUPPORTED)
def _():
    for wrong in ({"password": "wrong"}, {"username": "nobody"}):
        with raises(Exception, "Login failed", "401"):
            new_client(**wrong).initialize()


@check("is refused with a wrong password at the login for 4.x too", only=("4.5",))
def _():
    each = new_client(password="wrong")
    each.add_objects_common()
    with raises(FailedQuerying, "Failed to query PowerFlex token"):
        each.system._appliance_login()


@check("can't log out twice", only=("4.5",))
def _():
    each = new_client()
    each.initialize()
    each.system._appliance_login()
    token = each.token.get()
    each.system._appliance_logout()
    each.token.set(token)
    with raises(FailedQuerying, "Failed to query PowerFlex token"):
        each.system._appliance_logout()


@check("has a bearer token for five minutes, and no other is good", only=("4.5",))
def _():
    each = new_client()
    each.add_objects_common()

    def status():
        return requests.get(
            each.system.base_url + "/version", headers=each.system.get_auth_headers("get"), verify=place.ca
        ).status_code

    each.token.set("stale")
    equal(status(), 401, "the answer to a stale token")
    each.system._appliance_login()
    equal(status(), 200, "the answer to a new one")
    ask("advance", minutes=4)
    equal(status(), 200, "the answer after four minutes")
    ask("advance", minutes=2)
    equal(status(), 401, "the answer after six minutes")


@check("doesn't talk to a gateway whose certificate it can't verify")
def _():
    with raises(Exception, "Login failed", "certificate verify failed"):
        new_client(certificate_path=certifi.where()).initialize()


@check("talks to it unverified when told so", only=SUPPORTED)
def _():
    each = new_client(verify_certificate=False, certificate_path=None)
    each.initialize()
    equal(each.system.api_version(), place.version, "the version")


# ---- what there is ---------------------------------------------------------------------------------------------------


@check("finds the system", only=SUPPORTED)
def _():
    (system,) = client.system.get()
    equal(system["id"], place.system, "the id")
    true(place.version.replace(".", "_") in system["systemVersionName"], "its release is in its version's name")


@check("finds protection domains, and none that isn't there", only=SUPPORTED)
def _():
    found = client.protection_domain.get(filter_fields={"name": "domain2"}, fields=("id", "name", "systemId"))
    equal(found, [{"id": place.domains["domain2"], "name": "domain2", "systemId": place.system}], "what is found")
    equal(client.protection_domain.get(filter_fields={"name": "nowhere"}), [], "what is found of nowhere")
    with raises(FailedQuerying, "Could not find Protection Domain"):
        client.protection_domain.get(GONE)


@check("finds the pools of a domain, and none that isn't there", only=SUPPORTED)
def _():
    for domain in ("domain1", "domain2"):
        found = client.protection_domain.get_storage_pools(place.domains[domain], filter_fields={"name": "pool1"})
        equal([pool["id"] for pool in found], [place.pools[f"{domain}:pool1"]], f"what is found in {domain}")
    equal(len(client.storage_pool.get(filter_fields={"name": "pool1"})), 2, "the pools with the same name")
    equal(client.storage_pool.get(filter_fields={"name": "nowhere"}), [], "what is found of nowhere")
    with raises(FailedQuerying, "Could not find Storage Pool"):
        client.storage_pool.get(GONE)


@check("reads a pool's layout, padding and cache", only=SUPPORTED)
def _():
    fields = ("dataLayout", "zeroPaddingEnabled", "useRmcache", "mediaType")
    for name, expected in (
        ("pool1", ("MediumGranularity", True, False, "SSD")),
        ("fine", ("FineGranularity", True, False, "SSD")),
        ("unpadded", ("MediumGranularity", False, False, "SSD")),
    ):
        pool = client.storage_pool.get(place.pools[f"domain1:{name}"], fields=fields)
        equal(tuple(pool[field] for field in fields), expected, name)


@check("sees a pool fill up in its statistics", only=SUPPORTED)
def _():
    pool = place.pools["domain2:pool1"]
    before = client.storage_pool.get_statistics(pool)
    create(16, pool=pool)
    create(24, pool=pool, volume_type="ThickProvisioned")
    after = client.storage_pool.get_statistics(pool)

    def grown(name):
        return after[name] - before[name]

    equal(grown("netCapacityInUseInKb"), 24 * GIB_IN_KIB, "what the thick volume takes, net")
    equal(grown("netUnusedCapacityInKb"), -24 * GIB_IN_KIB, "what is left, net")
    equal(grown("numOfVolumes"), 2, "the volumes")
    equal(grown("capacityAvailableForVolumeAllocationInKb"), -24 * GIB_IN_KIB, "what thick volumes can take")
    equal(grown("volumeAllocationLimitInKb"), -40 * GIB_IN_KIB, "what can be promised")
    read = client.storage_pool.query_selected_statistics(["netUnusedCapacityInKb", "numOfVolumes"], ids=[pool])
    equal(read, {pool: {name: after[name] for name in ("netUnusedCapacityInKb", "numOfVolumes")}}, "the selected ones")
    equal(sorted(client.storage_pool.query_selected_statistics(["numOfVolumes"])), sorted(place.pools.values()), "all")


@check("lists the statistics of all pools and all volumes", only=SUPPORTED)
def _():
    # It asks for a hundred; these are the ones that others reckon with.
    volume_id = create(24, volume_type="ThickProvisioned")["id"]
    client.volume.add_mapped_sdc(volume_id, sdc_id=SDC)
    pools = client.utility.get_statistics_for_all_storagepools()
    equal(sorted(pools), sorted(place.pools.values()), "the pools")
    for name in (
        "capacityAvailableForVolumeAllocationInKb",
        "maxCapacityInKb",
        "netCapacityInUseInKb",
        "netUnusedCapacityInKb",
        "numOfVolumes",
        "snapCapacityInUseInKb",
        "snapshotCapacityInKb",
        "spareCapacityInKb",
        "thickCapacityInUseInKb",
        "thinCapacityAllocatedInKb",
        "thinCapacityAllocatedInKm",
    ):
        equal(type(pools[POOL].get(name)), int, f"the type of {name}")
    volumes = client.utility.get_statistics_for_all_volumes()
    equal(volumes[volume_id]["mappedSdcIds"], [SDC], "the SDCs of a volume")
    equal(len(volumes), len(ask("volumes")), "the number of volumes")


@check("finds SDCs by address and by GUID", only=SUPPORTED)
def _():
    for sdc in place.sdcs:
        for field, value in (("sdcIp", sdc["ip"]), ("sdcIps", [sdc["ip"]]), ("sdcGuid", sdc["guid"].upper())):
            found = client.sdc.get(filter_fields={field: value}, fields=("id",))
            equal(found, [{"id": sdc["id"]}], f"what is found by {field} {value}")
    equal(client.sdc.get(filter_fields={"sdcIp": "192.0.2.99"}), [], "what is found of an address that isn't there")


# ---- volumes ---------------------------------------------------------------------------------------------------------


@check("creates a thin volume, rounded up to 8 GiB, and is given it back", only=SUPPORTED)
def _():
    for size, rounded in ((1, 8), (8, 8), (9, 16), (17, 24)):
        name = fresh()
        made = create(size, name=name)
        equal(made["name"], name, "the name")
        equal(made["sizeInKb"], rounded * GIB_IN_KIB, f"the size for {size} GiB")
        equal(made["volumeType"], "ThinProvisioned", "the type")
        equal(made["storagePoolId"], POOL, "the pool")
        equal(made["mappedSdcInfo"], None, "the mappings")
        equal(volume(made["id"]), made, "the volume that the gateway holds")


@check("creates a thick volume, with or without a RAM cache", only=SUPPORTED)
def _():
    for cached in (True, False):
        made = create(volume_type="ThickProvisioned", use_rmcache=cached)
        equal((made["volumeType"], made["useRmcache"]), ("ThickProvisioned", cached), "the volume")


@check("creates a volume without a name", only=SUPPORTED)
def _():
    made = client.volume.create(POOL, 8, volume_type="ThinProvisioned")
    equal(made["name"], None, "the name")


@check("can't create a volume of no size or of one too large", only=SUPPORTED)
def _():
    before = len(ask("volumes"))
    for size in (0, -8, "eight", 1048576 + 8):
        with raises(FailedCreating, "Failed to create PowerFlex Volume"):
            create(size)
    equal(len(ask("volumes")), before, "the number of volumes")


@check("can't create a volume of a type that there isn't", only=SUPPORTED)
def _():
    with raises(FailedCreating, "should get one of the following values: ThinProvisioned, ThickProvisioned", "Fat"):
        create(volume_type="Fat")


@check("can't create a volume under a name that is taken, too long or has spaces", only=SUPPORTED)
def _():
    name = fresh()
    create(name=name)
    with raises(FailedCreating, "Volume name already in use", "'errorCode': 99"):
        create(name=name)
    with raises(FailedCreating, "exceeds the allowed length of 31 characters", "'errorCode': 226"):
        create(name="n" * 32)
    equal(create(name="n" * 31)["name"], "n" * 31, "the longest name")
    with raises(FailedCreating, "Spaces are not allowed"):
        create(name="two words")


@check("gives a volume a name with plus, slash and equals signs", only=SUPPORTED)
def _():
    equal(create(name="+/=a+/=+/=+/=+/=+/=+/=+==")["name"], "+/=a+/=+/=+/=+/=+/=+/=+==", "the name")


@check("can't create a volume in a pool that isn't there", only=SUPPORTED)
def _():
    with raises(FailedCreating, "Could not find Storage Pool"):
        create(pool=GONE)


@check("can't create a volume that the pool has no room for", only=SUPPORTED)
def _():
    small = place.pools["domain1:small"]
    with raises(FailedCreating, "Requested volume size exceeds the volume allocation limit"):
        create(136, pool=small)
    with raises(FailedCreating, "Insufficient resources"):
        create(72, pool=small, volume_type="ThickProvisioned")
    equal(create(64, pool=small, volume_type="ThickProvisioned")["sizeInKb"], 64 * GIB_IN_KIB, "what just fits")


@check("can't create a thick or cached volume in a fine granularity pool", only=SUPPORTED)
def _():
    with raises(FailedCreating, "Thick volumes cannot be added to fine granularity Storage Pools"):
        create(pool=FINE, volume_type="ThickProvisioned")
    with raises(FailedCreating, "RAM Read Cache is not supported for fine granularity Volumes"):
        create(pool=FINE, use_rmcache=True)


@check("compresses in a fine granularity pool only", only=SUPPORTED)
def _():
    fine = create(pool=FINE, compression_method="Normal")
    equal((fine["dataLayout"], fine["compressionMethod"]), ("FineGranularity", "Normal"), "the fine volume")
    equal(client.volume.set_compression_method(fine["id"], "None")["compressionMethod"], "None", "its compression then")
    with raises(FailedCreating, "Compression may only be enabled on volumes with Fine Granularity layout"):
        create(compression_method="Normal")
    medium = create(compression_method="None")
    equal((medium["dataLayout"], medium["compressionMethod"]), ("MediumGranularity", "Invalid"), "the medium volume")
    with raises(Failed, "Compression may only be enabled on volumes with Fine Granularity layout"):
        client.volume.set_compression_method(medium["id"], "Normal")


@check("switches the RAM cache of a volume", only=SUPPORTED)
def _():
    medium, fine = create(), create(pool=FINE)
    equal(client.volume.set_use_rmcache(medium["id"], True)["useRmcache"], True, "the cache")
    equal(client.volume.set_use_rmcache(medium["id"], False)["useRmcache"], False, "the cache then")
    with raises(Failed, "RAM Read Cache is not supported for fine granularity Volumes"):
        client.volume.set_use_rmcache(fine["id"], True)


@check("can't read a volume that isn't there", only=SUPPORTED)
def _():
    with raises(FailedQuerying, "Could not find the volume", "'errorCode': 79"):
        client.volume.get(GONE)
    with raises(FailedQuerying, "must be a hexadecimal number", "'httpStatusCode': 400"):
        client.volume.get("volume-1")
    equal(client.volume.get(filter_fields={"name": "nowhere"}), [], "what is found of nowhere")


@check("renames a volume", only=SUPPORTED)
def _():
    volume_id, name = create()["id"], fresh("renamed")
    equal(client.volume.rename(volume_id, name), {}, "the answer")
    equal(volume(volume_id)["name"], name, "the name")


@check("can't rename a volume to what is taken, or one that isn't there", only=SUPPORTED)
def _():
    name, taken = fresh(), fresh()
    volume_id = create(name=name)["id"]
    create(name=taken)
    with raises(FailedRenaming, "Volume name already in use", "'errorCode': 99"):
        client.volume.rename(volume_id, taken)
    with raises(FailedRenaming, "exceeds the allowed length", "'errorCode': 226"):
        client.volume.rename(volume_id, "n" * 32)
    with raises(FailedRenaming, "newName"):
        client.volume.rename(volume_id, None)
    with raises(FailedRenaming, "Could not find the volume", "'errorCode': 79"):
        client.volume.rename(GONE, fresh())
    equal(volume(volume_id)["name"], name, "the name")


@check("grows a volume", only=SUPPORTED)
def _():
    equal(client.volume.extend(create()["id"], 24)["sizeInKb"], 24 * GIB_IN_KIB, "the size")


@check("can't shrink a volume, nor grow it to what isn't a multiple of 8 GiB", only=SUPPORTED)
def _():
    volume_id = create(24)["id"]
    with raises(Failed, "Volume capacity can only be increased", "'errorCode': 133"):
        client.volume.extend(volume_id, 16)
    for size in (25, 0, -8, "more"):
        with raises(Failed, "Failed to extend PowerFlex Volume", "'httpStatusCode': 400"):
            client.volume.extend(volume_id, size)
    with raises(Failed, "Could not find the volume"):
        client.volume.extend(GONE, 32)
    equal(volume(volume_id)["sizeInKb"], 24 * GIB_IN_KIB, "the size")


# ---- mapping ---------------------------------------------------------------------------------------------------------


@check("maps a volume by the SDC's id, and by its GUID", only=SUPPORTED)
def _():
    volume_id = create()["id"]
    mapped = client.volume.add_mapped_sdc(volume_id, sdc_id=SDC)
    equal([each["sdcId"] for each in mapped["mappedSdcInfo"]], [SDC], "the SDCs")
    equal(mapped["mappedSdcInfo"][0]["sdcIp"], place.sdcs[0]["ip"], "its address")
    equal(limits(mapped), (0, 0), "the limits")
    equal(mapped["mappedSdcInfo"][0]["accessMode"], "ReadWrite", "the access mode")
    by_guid = client.volume.add_mapped_sdc(
        volume_id, sdc_guid=place.sdcs[1]["guid"].lower(), allow_multiple_mappings=True
    )
    equal(sorted(each["sdcId"] for each in by_guid["mappedSdcInfo"]), sorted((SDC, OTHER_SDC)), "the SDCs then")
    for sdc, times in zip(place.sdcs, (1, 1, 0), strict=True):
        mapped_to = [each["id"] for each in client.sdc.get_mapped_volumes(sdc["id"])]
        equal(mapped_to.count(volume_id), times, f"how often it is among the volumes of {sdc['ip']}")


@check("can't map a volume to a second SDC without saying so", only=SUPPORTED)
def _():
    volume_id = create()["id"]
    client.volume.add_mapped_sdc(volume_id, sdc_id=SDC)
    for flag in (None, False):
        with raises(
            Failed, "Failed to map PowerFlex Volume", "already mapped and may not be mapped to additional SDCs"
        ):
            client.volume.add_mapped_sdc(volume_id, sdc_id=OTHER_SDC, allow_multiple_mappings=flag)
    equal(list(mappings(volume_id)), [SDC], "the SDCs")
    client.volume.add_mapped_sdc(volume_id, sdc_id=OTHER_SDC, allow_multiple_mappings=True)
    equal(len(mappings(volume_id)), 2, "the number of mappings")


@check("can't map a volume twice to the same SDC", only=SUPPORTED)
def _():
    volume_id = create()["id"]
    client.volume.add_mapped_sdc(volume_id, sdc_id=SDC)
    for flag in (None, True):
        with raises(Failed, "The volume is already mapped to this SDC", "'errorCode': 81"):
            client.volume.add_mapped_sdc(volume_id, sdc_id=SDC, allow_multiple_mappings=flag)
    equal(len(mappings(volume_id)), 1, "the number of mappings")


@check("can't map what isn't there, nor to what isn't", only=SUPPORTED)
def _():
    volume_id = create()["id"]
    with raises(Failed, "Could not find the SDC", "'errorCode': 80"):
        client.volume.add_mapped_sdc(volume_id, sdc_id=GONE)
    with raises(Failed, "Could not find the volume", "'errorCode': 79"):
        client.volume.add_mapped_sdc(GONE, sdc_id=SDC)
    equal(volume(volume_id)["mappedSdcInfo"], None, "the mappings")


@check("maps with an access mode, and changes it", only=SUPPORTED)
def _():
    volume_id = create()["id"]
    client.volume.add_mapped_sdc(volume_id, sdc_id=SDC, access_mode="ReadOnly")
    equal(mappings(volume_id)[SDC]["accessMode"], "ReadOnly", "the access mode")
    for mode in ("ReadWrite", "NoAccess"):
        client.volume.set_access_mode_for_sdc(volume_id, SDC, mode)
        equal(mappings(volume_id)[SDC]["accessMode"], mode, "the access mode")
    with raises(Failed, "should get one of the following values"):
        client.volume.set_access_mode_for_sdc(volume_id, SDC, "WriteOnly")
    with raises(Failed, "The volume is not mapped to SDC"):
        client.volume.set_access_mode_for_sdc(volume_id, OTHER_SDC, "ReadOnly")
    equal(mappings(volume_id)[SDC]["accessMode"], "NoAccess", "the access mode in the end")


@check("limits the access to a volume, and then can't map it for more", only=SUPPORTED)
def _():
    volume_id = create()["id"]
    equal(volume(volume_id)["accessModeLimit"], "ReadWrite", "the limit before")
    limited = client.volume.set_volume_access_mode_limit(volume_id, "ReadOnly")
    equal(limited["accessModeLimit"], "ReadOnly", "the limit")
    with raises(Failed, "Failed to map PowerFlex Volume"):
        client.volume.add_mapped_sdc(volume_id, sdc_id=SDC, access_mode="ReadWrite")
    client.volume.add_mapped_sdc(volume_id, sdc_id=SDC, access_mode="ReadOnly")
    with raises(Failed, "should get one of the following values"):
        client.volume.set_volume_access_mode_limit(volume_id, "NoAccess")


@check("sets limits in KB/s, which are read in MB/s", only=SUPPORTED)
def _():
    volume_id = create()["id"]
    client.volume.add_mapped_sdc(volume_id, sdc_id=SDC)
    client.volume.add_mapped_sdc(volume_id, sdc_id=OTHER_SDC, allow_multiple_mappings=True)
    both = client.volume.set_mapped_sdc_limits(volume_id, SDC, bandwidth_limit="10240", iops_limit="500")
    equal((limits(both), limits(both, OTHER_SDC)), ((500, 10), (0, 0)), "the limits")
    equal(limits(client.volume.set_mapped_sdc_limits(volume_id, SDC, iops_limit="11")), (11, 10), "then")
    equal(limits(client.volume.set_mapped_sdc_limits(volume_id, SDC, bandwidth_limit=1024)), (11, 1), "as numbers")
    none = client.volume.set_mapped_sdc_limits(volume_id, SDC, bandwidth_limit="0", iops_limit="0")
    equal(limits(none), (0, 0), "the limits in the end")


@check("can't set limits that are too small, uneven or no numbers", only=SUPPORTED)
def _():
    volume_id = create()["id"]
    client.volume.add_mapped_sdc(volume_id, sdc_id=SDC)
    client.volume.set_mapped_sdc_limits(volume_id, SDC, bandwidth_limit="2048", iops_limit="500")
    for bandwidth, iops in ((None, "10"), (None, "1"), (None, "-1"), ("1000", None), ("2047", "600"), ("x", None)):
        with raises(Failed, "Failed to update the SDC limits"):
            client.volume.set_mapped_sdc_limits(volume_id, SDC, bandwidth_limit=bandwidth, iops_limit=iops)
        equal(limits(volume(volume_id)), (500, 2), f"the limits after {bandwidth}, {iops}")


@check("can't set limits of a mapping that isn't there", only=SUPPORTED)
def _():
    volume_id = create()["id"]
    with raises(Failed, "The volume is not mapped to SDC", "'errorCode': 84"):
        client.volume.set_mapped_sdc_limits(volume_id, SDC, iops_limit="500")


@check("unmaps a volume by the SDC's id, by its GUID, and from all", only=SUPPORTED)
def _():
    volume_id = create()["id"]
    for sdc in place.sdcs:
        client.volume.add_mapped_sdc(volume_id, sdc_id=sdc["id"], allow_multiple_mappings=True)
    left = client.volume.remove_mapped_sdc(volume_id, sdc_id=SDC)
    equal(sorted(each["sdcId"] for each in left["mappedSdcInfo"]), sorted(s["id"] for s in place.sdcs[1:]), "the SDCs")
    left = client.volume.remove_mapped_sdc(volume_id, sdc_guid=place.sdcs[1]["guid"].lower())
    equal(sorted(each["sdcId"] for each in left["mappedSdcInfo"]), sorted(s["id"] for s in place.sdcs[2:]), "then")
    left = client.volume.remove_mapped_sdc(volume_id, all_sdcs=True)
    equal(left["mappedSdcInfo"], None, "the mappings in the end")


@check("can't unmap what isn't mapped, or isn't there", only=SUPPORTED)
def _():
    volume_id = create()["id"]
    with raises(Failed, "The volume is not mapped to SDC", "'errorCode': 84"):
        client.volume.remove_mapped_sdc(volume_id, sdc_id=SDC)
    with raises(Failed, "Could not find the volume", "'errorCode': 79"):
        client.volume.remove_mapped_sdc(GONE, sdc_id=SDC)
    with raises(Failed, "Could not find the SDC", "'errorCode': 80"):
        client.volume.remove_mapped_sdc(volume_id, sdc_id=GONE)


# ---- deleting, snapshots ---------------------------------------------------------------------------------------------


def snapshots(*volume_ids, **more):
    """Takes one of each volume; their ids in that order, and the id of their group."""
    taken = client.system.snapshot_volumes(
        place.system, [SnapshotDef(each, fresh("snap")) for each in volume_ids], **more
    )
    equal(len(taken["volumeIdList"]), len(volume_ids), "the number of snapshots")
    return taken["volumeIdList"], taken["snapshotGroupId"]


@check("deletes a volume", only=SUPPORTED)
def _():
    volume_id = create()["id"]
    equal(client.volume.delete(volume_id, RemoveMode.only_me), {}, "the answer")
    equal(volume(volume_id), None, "the volume")


@check("can't delete a volume that is mapped", only=SUPPORTED)
def _():
    volume_id = create()["id"]
    client.volume.add_mapped_sdc(volume_id, sdc_id=SDC)
    for mode in (RemoveMode.only_me, RemoveMode.whole_vtree, RemoveMode.including_descendants):
        with raises(FailedDeleting, "Volume is mapped", "'errorCode': 104"):
            client.volume.delete(volume_id, mode)
    equal(list(mappings(volume_id)), [SDC], "the SDCs")


@check("can't delete a volume that isn't there, or in a way that there isn't", only=SUPPORTED)
def _():
    with raises(FailedDeleting, "Could not find the volume", "'errorCode': 79"):
        client.volume.delete(GONE, RemoveMode.only_me)
    volume_id = create()["id"]
    with raises(
        FailedDeleting,
        "removeMode should get one of the following values: "
        "ONLY_ME, INCLUDING_DESCENDANTS, DESCENDANTS_ONLY, WHOLE_VTREE, but its value is ALL",
        "'httpStatusCode': 400",
    ):
        client.volume.delete(volume_id, "ALL")
    with raises(FailedDeleting, "removeMode"):
        client.volume.delete(volume_id, None)
    equal(volume(volume_id)["id"], volume_id, "the volume")


@check("takes snapshots of two volumes at once", only=SUPPORTED)
def _():
    first, second = create(16)["id"], create()["id"]
    (of_first, of_second), group = snapshots(first, second, access_mode="ReadOnly")
    for snapshot_id, volume_id, size in ((of_first, first, 16), (of_second, second, 8)):
        read = client.volume.get(snapshot_id)
        equal(read["volumeType"], "Snapshot", "the type")
        equal(read["ancestorVolumeId"], volume_id, "its volume")
        equal(read["sizeInKb"], size * GIB_IN_KIB, "the size")
        equal(read["consistencyGroupId"], group, "the group")
        equal(read["accessModeLimit"], "ReadOnly", "the access mode")


@check("takes no snapshot when it can't take all", only=SUPPORTED)
def _():
    volume_id = create()["id"]
    before = len(ask("volumes"))
    with raises(Failed, "Failed to snapshot volumes", "'details'", "VOL_NOT_FOUND"):
        snapshots(volume_id, GONE)
    equal(len(ask("volumes")), before, "the number of volumes")


@check("deletes the snapshots of a group", only=SUPPORTED)
def _():
    first, second = create()["id"], create()["id"]
    taken, group = snapshots(first, second)
    equal(client.system.remove_cg_snapshots(place.system, group)["numberOfVolumes"], 2, "the number of volumes")
    equal([volume(each) for each in taken], [None, None], "the snapshots")
    equal([volume(each)["id"] for each in (first, second)], [first, second], "the volumes")


@check("deletes what it says: only the volume, its descendants, both, the whole tree", only=SUPPORTED)
def _():
    for mode, left in (
        (RemoveMode.only_me, {"volume", "grandchild", "sibling"}),
        (RemoveMode.descendants_only, {"volume", "child", "sibling"}),
        (RemoveMode.including_descendants, {"volume", "sibling"}),
        (RemoveMode.whole_vtree, set()),
    ):
        tree = {"volume": create()["id"]}
        ((tree["child"],), _), ((tree["sibling"],), _) = snapshots(tree["volume"]), snapshots(tree["volume"])
        ((tree["grandchild"],), _) = snapshots(tree["child"])
        client.volume.delete(tree["child"], mode)
        equal({name for name, each in tree.items() if volume(each) is not None}, left, f"what is left after {mode}")
        if "grandchild" in left:
            equal(volume(tree["grandchild"])["ancestorVolumeId"], tree["volume"], "what the grandchild is of then")


run()
