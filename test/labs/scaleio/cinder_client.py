"""Drives the gateway with Cinder's RestClient: the untouched rest_client.py of the released package."""

import importlib.util
import os
import socket
import sys
import types

import certifi

# The folder of volume drivers without what cinder/volume/__init__.py imports for the service: its database models, its
# message bus, its policies. Everything else is imported as it is.
_cinder = importlib.util.find_spec("cinder").submodule_search_locations[0]
sys.modules["cinder.volume"] = types.ModuleType("cinder.volume")
sys.modules["cinder.volume"].__path__ = [os.path.join(_cinder, "volume")]

import requests
import tenacity
from cinder import exception
from cinder.volume.drivers.dell_emc.powerflex import rest_client
from cinder.volume.drivers.dell_emc.powerflex import utils

from lab import GIB_IN_KIB, ask, check, equal, fresh, mappings, place, raises, released, run, true, volume

Failed = exception.VolumeBackendAPIException

# Cinder tries some calls three times, with pauses that nothing here needs.
tenacity.nap.sleep = lambda seconds: None


class Configuration(types.SimpleNamespace):
    """The part of Cinder's configuration that the client reads."""

    def safe_get(self, name):
        return getattr(self, name, None)


def new_client(**settings):
    client = rest_client.RestClient(
        Configuration(
            **{
                "san_ip": place.address,
                "powerflex_rest_server_port": place.port,
                "san_login": place.username,
                "san_password": place.password,
                "driver_ssl_cert_verify": True,
                "driver_ssl_cert_path": place.ca,
                "powerflex_round_volume_capacity": False,
                "powerflex_allow_non_padded_volumes": False,
                **settings,
            }
        )
    )
    client.do_setup()
    return client


client = new_client()


def create(size=8, pool="pool1", domain="domain1", kind="ThinProvisioned", compression="None", name=None):
    return client.create_volume(domain, pool, name or fresh(), size, kind, compression)


def map_to(volume_id, sdc, **more):
    """As the driver's other half, os-brick, does it; through the client's own request."""
    response, body = client.execute_powerflex_post_request(
        "/instances/Volume::%(vol_id)s/action/addMappedSdc",
        {"guid": sdc["guid"], "allowMultipleMappings": "TRUE", **more},
        vol_id=volume_id,
    )
    equal(response.status_code, 200, "the answer to addMappedSdc")


def named(volume_id):
    return types.SimpleNamespace(id=volume_id, provider_id=volume_id)


@check("is the client that was released")
def _():
    released("cinder", rest_client)
    released("cinder", utils)


# ---- logging in ------------------------------------------------------------------------------------------------------


@check("reads the version, and logs in for it by itself")
def _():
    each = new_client()
    equal(each.rest_token, None, "the token before")
    equal(each.query_rest_api_version(), place.version, "the version")
    true(isinstance(each.rest_token, str) and len(each.rest_token) > 10, "it has a token")


@check("logs in again with a stale token")
def _():
    each = new_client()
    each.rest_token = "stale"
    equal(each.query_rest_api_version(), place.version, "the version")
    true(each.rest_token != "stale", "it has another token")


@check("posts again what was refused for a stale token, once")
def _():
    create()  # from now on it knows the ids of domain and pool, so that its next request is the post
    before = len(ask("volumes"))
    client.rest_token = "stale"
    create()
    equal(len(ask("volumes")), before + 1, "the number of volumes")


@check("logs in again when it is refused in HTML")
def _():
    ask("fault", match={"path": "setVolumeSize"}, do="unauthorized-html")
    volume_id = create()
    token = client.rest_token
    client.extend_volume(volume_id, 16)
    true(client.rest_token != token, "it has another token")
    equal(volume(volume_id)["sizeInKb"], 16 * GIB_IN_KIB, "the size")


@check("keeps a token that is used, and loses it after ten idle minutes")
def _():
    client.query_rest_api_version(fromcache=False)
    token = client.rest_token
    for _ in range(3):
        ask("advance", minutes=9)
        client.query_rest_api_version(fromcache=False)
        equal(client.rest_token, token, "the token after nine idle minutes")
    ask("advance", minutes=11)
    client.query_rest_api_version(fromcache=False)
    true(client.rest_token != token, "it has another token after eleven idle minutes")


@check("loses a token after eight hours, however busy")
def _():
    client.rest_token = None
    client.query_rest_api_version(fromcache=False)
    token = client.rest_token
    minutes = 0
    while client.rest_token == token and minutes < 600:
        ask("advance", minutes=9)
        minutes += 9
        client.query_rest_api_version(fromcache=False)
    equal(minutes, 486, "the first ninth minute without it")


@check("goes on after the gateway was restarted")
def _():
    volume_id = create()
    token = client.rest_token
    ask("restart")
    client.extend_volume(volume_id, 16)
    true(client.rest_token != token, "it has another token")
    equal(volume(volume_id)["sizeInKb"], 16 * GIB_IN_KIB, "the size")


@check("is refused with a wrong password")
def _():
    with raises(Failed, "Status code: 401"):
        new_client(san_password="wrong").query_rest_api_version()


@check("is refused with a wrong user")
def _():
    with raises(Failed, "Status code: 401"):
        new_client(san_login="nobody").query_rest_api_version()


# ---- TLS -------------------------------------------------------------------------------------------------------------


@check("doesn't talk to a gateway whose certificate it can't verify")
def _():
    with raises(requests.exceptions.SSLError, "certificate verify failed"):
        new_client(driver_ssl_cert_path=certifi.where()).query_rest_api_version()


@check("doesn't talk to it under a name that its certificate doesn't have")
def _():
    resolve = socket.getaddrinfo
    socket.getaddrinfo = lambda host, *rest: resolve(place.address if host == "gateway.invalid" else host, *rest)
    try:
        with raises(requests.exceptions.SSLError, "gateway.invalid"):
            new_client(san_ip="gateway.invalid").query_rest_api_version()
    finally:
        socket.getaddrinfo = resolve


@check("talks to it unverified when told so")
def _():
    each = new_client(driver_ssl_cert_verify=False, driver_ssl_cert_path=None)
    equal(each.query_rest_api_version(), place.version, "the version")


# ---- domains and pools -----------------------------------------------------------------------------------------------


@check("finds protection domains by name")
def _():
    for name in ("domain1", "domain2"):
        equal(client._get_protection_domain_id(name), place.domains[name], name)


@check("finds a domain and a pool whose names must be encoded")
def _():
    pool = client.get_storage_pool_properties("do/main+3=", "po,ol/&?#")
    equal(pool["id"], place.pools["do/main+3=:po,ol/&?#"], "the pool")
    equal(pool["protectionDomainId"], place.domains["do/main+3="], "the pool's domain")


@check("finds no protection domain that isn't there")
def _():
    with raises(Failed, "Failed to get Protection Domain id with name nowhere", "Could not find Protection Domain"):
        client._get_protection_domain_id("nowhere")


@check("finds pools by name in their domain")
def _():
    for domain, pool in (("domain1", "pool1"), ("domain1", "fine"), ("domain2", "pool1")):
        equal(client.get_storage_pool_id(domain, pool), place.pools[f"{domain}:{pool}"], f"{domain}:{pool}")


@check("finds no pool that isn't there, or is in another domain")
def _():
    for domain, pool in (("domain1", "nowhere"), ("domain2", "fine")):
        with raises(Failed, f"Failed to get pool id from name {pool}", "Could not find Storage Pool"):
            client.get_storage_pool_id(domain, pool)


@check("takes a pool without zero padding for unsafe")
def _():
    equal(client.is_volume_creation_safe("domain1", "pool1"), True, "pool1")
    equal(client.is_volume_creation_safe("domain1", "unpadded"), False, "unpadded")


@check("reads a pool's layout", only=("3.6", "4.5"))
def _():
    for name, layout in (("pool1", "MediumGranularity"), ("fine", "FineGranularity")):
        equal(client.get_storage_pool_properties("domain1", name)["dataLayout"], layout, name)


@check("reads the statistics that the driver asks a pool for")
def _():
    # driver.py, _get_queryable_statistics and _query_pool_stats; what isn't a property is refused.
    pool_id = client.get_storage_pool_id("domain1", "pool1")
    api = client.query_rest_api_version()

    def statistics(properties):
        return client.execute_powerflex_post_request(
            "/types/StoragePool/instances/action/querySelectedStatistics", {"ids": [pool_id], "properties": properties}
        )

    snapshots = "snapshotCapacityInKb" if utils.version_gte(api, "3.5") else "snapCapacityInUseInKb"
    properties = [snapshots, "thickCapacityInUseInKb"]
    if utils.version_gte(api, "3.0"):
        properties += ["netCapacityInUseInKb", "netUnusedCapacityInKb", "thinCapacityAllocatedInKb"]
    else:
        response, _ = statistics(["thinCapacityAllocatedInKb"])
        true(response.status_code != 200, "thinCapacityAllocatedInKb is refused")
        properties += ["capacityLimitInKb", "spareCapacityInKb", "capacityAvailableForVolumeAllocationInKb"]
        properties += ["thinCapacityAllocatedInKm"]
    response, body = statistics(properties)
    equal(response.status_code, 200, "the answer")
    equal(list(body), [pool_id], "the pools in it")
    equal(sorted(body[pool_id]), sorted(properties), "the statistics in it")
    true(all(type(value) is int for value in body[pool_id].values()), "they are whole numbers")


# ---- volumes ---------------------------------------------------------------------------------------------------------


@check("creates a thin volume, rounded up to 8 GiB")
def _():
    for size, rounded in ((1, 8), (8, 8), (9, 16), (10, 16), (24, 24)):
        held = volume(create(size=size))
        equal(held["sizeInKb"], rounded * GIB_IN_KIB, f"the size for {size} GiB")
        equal(held["volumeType"], "ThinProvisioned", "the type")
        equal(held["storagePoolId"], place.pools["domain1:pool1"], "the pool")


@check("creates a thick volume, in the pool of that domain")
def _():
    held = volume(create(kind="ThickProvisioned", domain="domain2"))
    equal(held["volumeType"], "ThickProvisioned", "the type")
    equal(held["storagePoolId"], place.pools["domain2:pool1"], "the pool")


@check("gives a volume the id's bytes in base64 for a name, with its plus, slash and equals signs")
def _():
    volume_id = create(name="fbefbefb-efbe-fbff-ffff-fb0000000001")
    equal(volume(volume_id)["name"], "+++++++++/////sAAAAAAQ==", "the name")
    equal(client.query_volume(volume_id)["name"], "+++++++++/////sAAAAAAQ==", "the name as it is read")


@check("reads a volume back as it was created")
def _():
    volume_id = create(size=10)
    read = client.query_volume(volume_id)
    equal(read["id"], volume_id, "the id")
    equal(read["sizeInKb"], 16 * GIB_IN_KIB, "the size")
    equal(read["volumeType"], "ThinProvisioned", "the type")
    equal(read["storagePoolId"], place.pools["domain1:pool1"], "the pool")
    equal(read["mappedSdcInfo"], None, "the mappings")
    equal(utils.convert_kb_to_gib(read["sizeInKb"]), 16, "the size in GiB")


@check("can't read a volume that isn't there")
def _():
    with raises(Failed, "Failed to query volume: Could not find the volume"):
        client.query_volume("00000000ffffffff")


@check("can't read a volume by what isn't an id")
def _():
    with raises(Failed, "must be a hexadecimal number"):
        client.query_volume("volume-1")


@check("can't create a volume with a name that is taken")
def _():
    name = fresh()
    create(name=name)
    before = len(ask("volumes"))
    with raises(Failed, "Volume name already in use"):
        create(name=name)
    equal(len(ask("volumes")), before, "the number of volumes")


@check("can't create a volume whose name is longer than 31 characters")
def _():
    equal(len(utils.id_to_base64("ab" * 22)), 32, "the name's length")
    with raises(Failed, "exceeds the allowed length of 31 characters"):
        create(name="ab" * 22)
    create(name="cd" * 21)


@check("can't create a volume that the pool has no room for")
def _():
    with raises(Failed, "Requested volume size exceeds the volume allocation limit"):
        create(size=136, pool="small")
    create(size=8, pool="small")


@check("can't create a volume in a domain that isn't the pool's")
def _():
    # What the client remembers of names is made wrong, as a renamed domain would make it.
    client.pdCache.update("domain2", {"id": place.domains["domain1"]})
    try:
        client.spCache.update("domain2:pool1", {"id": place.pools["domain2:pool1"]})
        with raises(Failed, "The specified Storage Pool is not in the specified Protection Domain"):
            create(domain="domain2")
    finally:
        client.pdCache.purge_all()
        client.spCache.purge_all()


@check("creates thin volumes in a fine granularity pool, compressed or not", only=("3.6", "4.5"))
def _():
    for compression in ("Normal", "None"):
        held = volume(create(pool="fine", compression=compression))
        equal(held["compressionMethod"], compression, "the compression")
        equal(held["dataLayout"], "FineGranularity", "the layout")


@check("can't create a thick volume in a fine granularity pool", only=("3.6", "4.5"))
def _():
    with raises(Failed, "Thick volumes cannot be added to fine granularity Storage Pools"):
        create(pool="fine", kind="ThickProvisioned")


@check("can't compress a volume in a medium granularity pool", only=("3.6", "4.5"))
def _():
    with raises(Failed, "Compression may only be enabled on volumes with Fine Granularity layout"):
        create(compression="Normal")
    equal(volume(create(compression="None"))["compressionMethod"], "Invalid", "the compression when none is asked for")


@check("renames a volume")
def _():
    volume_id, name = create(), fresh("renamed")
    client.rename_volume({"provider_id": volume_id}, name)
    equal(volume(volume_id)["name"], utils.id_to_base64(name), "the name")


@check("can't rename a volume to a name that is taken, or too long")
def _():
    taken, volume_id = fresh(), create()
    create(name=taken)
    before = volume(volume_id)["name"]
    with raises(Failed, "Failed to rename volume", "Volume name already in use"):
        client.rename_volume({"provider_id": volume_id}, taken)
    with raises(Failed, "Failed to rename volume", "exceeds the allowed length"):
        client.rename_volume({"provider_id": volume_id}, "ab" * 22)
    equal(volume(volume_id)["name"], before, "the name")


@check("takes the renaming of a volume that isn't there for done")
def _():
    # By the codes 79 and 0: any other would be raised.
    before = ask("volumes")
    client.rename_volume({"provider_id": "00000000ffffffff"}, fresh())
    client.rename_volume({"provider_id": "not-an-id"}, fresh())
    equal(ask("volumes"), before, "the volumes")


@check("grows a volume")
def _():
    volume_id = create()
    client.extend_volume(volume_id, 24)
    equal(volume(volume_id)["sizeInKb"], 24 * GIB_IN_KIB, "the size")


@check("can't grow a volume to what isn't a multiple of 8 GiB")
def _():
    volume_id = create()
    with raises(Failed, "Failed to extend volume", "granularity of 8 GB"):
        client.extend_volume(volume_id, 20)
    equal(volume(volume_id)["sizeInKb"], 8 * GIB_IN_KIB, "the size")


@check("can't shrink a volume")
def _():
    volume_id = create(size=24)
    with raises(Failed, "Volume capacity can only be increased"):
        client.extend_volume(volume_id, 16)
    equal(volume(volume_id)["sizeInKb"], 24 * GIB_IN_KIB, "the size")


@check("can't grow a volume that isn't there")
def _():
    with raises(Failed, "Could not find the volume"):
        client.extend_volume("00000000ffffffff", 16)


@check("can't grow a volume beyond its pool's room")
def _():
    volume_id = create(pool="small")
    with raises(Failed, "Failed to extend volume"):
        client.extend_volume(volume_id, 136)
    equal(volume(volume_id)["sizeInKb"], 8 * GIB_IN_KIB, "the size")
    client.remove_volume(volume_id)


# ---- deleting --------------------------------------------------------------------------------------------------------


@check("deletes a volume")
def _():
    volume_id = create()
    client.remove_volume(volume_id)
    equal(volume(volume_id), None, "the volume")


@check("takes the deletion of a volume that isn't there for done")
def _():
    before = ask("volumes")
    client.remove_volume("00000000ffffffff")
    equal(ask("volumes"), before, "the volumes")


@check("unmaps a volume from all SDCs before it deletes it")
def _():
    volume_id = create()
    for sdc in place.sdcs[:2]:
        map_to(volume_id, sdc)
    equal(sorted(mappings(volume_id)), sorted(sdc["id"] for sdc in place.sdcs[:2]), "the SDCs")
    client.remove_volume(volume_id)
    equal(volume(volume_id), None, "the volume")


@check("unmaps from all SDCs without deleting")
def _():
    volume_id = create()
    map_to(volume_id, place.sdcs[0])
    client._unmap_volume_before_delete(volume_id)
    equal(volume(volume_id)["mappedSdcInfo"], None, "the mappings")


@check("can't delete a volume that is still mapped")
def _():
    class Careless(rest_client.RestClient):
        def _unmap_volume_before_delete(self, vol_id):
            pass

    careless = Careless(client.configuration)
    careless.do_setup()
    volume_id = create()
    map_to(volume_id, place.sdcs[0])
    with raises(Failed, "Failed to delete volume", "Volume is mapped"):
        careless.remove_volume(volume_id)
    equal(list(mappings(volume_id)), [place.sdcs[0]["id"]], "the SDCs")


# ---- snapshots -------------------------------------------------------------------------------------------------------


@check("takes a snapshot")
def _():
    volume_id, name = create(size=16), fresh("snapshot")
    held = volume(client.snapshot_volume(volume_id, name))
    equal(held["volumeType"], "Snapshot", "the type")
    equal(held["ancestorVolumeId"], volume_id, "its volume")
    equal(held["name"], utils.id_to_base64(name), "the name")
    equal(held["sizeInKb"], 16 * GIB_IN_KIB, "the size")
    equal(held["vtreeId"], volume(volume_id)["vtreeId"], "the vtree")


@check("can't take a snapshot of a volume that isn't there, or under a name that is taken")
def _():
    name = fresh()
    volume_id = create(name=name)
    with raises(Failed, "Failed to create snapshot"):
        client.snapshot_volume("00000000ffffffff", fresh())
    with raises(Failed, "Failed to create snapshot"):
        client.snapshot_volume(volume_id, name)


@check("is told when a volume has as many snapshots as there can be")
def _():
    volume_id = create()
    for _ in range(rest_client.MAX_SNAPS_IN_VTREE):
        client.snapshot_volume(volume_id, fresh("many"))
    with raises(exception.SnapshotLimitReached):
        client.snapshot_volume(volume_id, fresh("many"))


@check("deletes a volume and leaves its snapshots")
def _():
    volume_id = create()
    snapshot_id = client.snapshot_volume(volume_id, fresh())
    client.remove_volume(volume_id)
    equal(volume(volume_id), None, "the volume")
    equal(volume(snapshot_id)["ancestorVolumeId"], None, "the snapshot's volume")
    client.remove_volume(snapshot_id)
    equal(volume(snapshot_id), None, "the snapshot")


@check("reverts a volume to a snapshot of its own, and of no other volume", only=("3.6", "4.5"))
def _():
    volume_id, other_id = create(), create()
    snapshot_id, foreign_id = client.snapshot_volume(volume_id, fresh()), client.snapshot_volume(other_id, fresh())
    client.overwrite_volume_content(named(volume_id), named(snapshot_id))
    with raises(Failed, "must be from the same V-Tree"):
        client.overwrite_volume_content(named(volume_id), named(foreign_id))


# ---- moving between pools --------------------------------------------------------------------------------------------


def migration(volume_id):
    return client.query_vtree(client.query_volume(volume_id)["vtreeId"], volume_id)["vtreeMigrationInfo"]


def move(volume_id, pool, conversion="NoConversion"):
    # driver.py, _get_volume_migration_params.
    return client.migrate_vtree(
        named(volume_id),
        {
            "destSPId": place.pools[pool],
            "volTypeConversion": conversion,
            "compressionMethod": "None",
            "allowDuringRebuild": "False",
        },
    )


@check("moves a volume to another pool, mapped as it is", only=("3.6", "4.5"))
def _():
    volume_id = create()
    map_to(volume_id, place.sdcs[0])
    move(volume_id, "domain2:pool1")
    true(migration(volume_id)["migrationStatus"] != "NotInMigration", "it is on the move")
    equal(volume(volume_id)["storagePoolId"], place.pools["domain1:pool1"], "the pool until it has arrived")
    move(volume_id, "domain2:pool1")  # 717 counts as done
    ask("finishMigrations")
    arrived = migration(volume_id)
    equal((arrived["migrationStatus"], arrived["migrationPauseReason"]), ("NotInMigration", None), "the migration")
    equal(volume(volume_id)["storagePoolId"], place.pools["domain2:pool1"], "the pool")
    equal(list(mappings(volume_id)), [place.sdcs[0]["id"]], "the SDCs")


@check("takes a move to the pool that a volume is in for done", only=("3.6", "4.5"))
def _():
    volume_id = create()
    move(volume_id, "domain1:pool1")  # 718 counts as done
    equal(migration(volume_id)["migrationStatus"], "NotInMigration", "the migration")


@check("makes a thick volume thin when it moves to a fine granularity pool", only=("3.6", "4.5"))
def _():
    volume_id = create(kind="ThickProvisioned")
    with raises(Failed, "Failed to migrate volume"):
        move(volume_id, "domain1:fine")
    move(volume_id, "domain1:fine", "ThickToThin")
    ask("finishMigrations")
    equal(volume(volume_id)["volumeType"], "ThinProvisioned", "the type")
    equal(volume(volume_id)["storagePoolId"], place.pools["domain1:fine"], "the pool")


@check("can't move a volume between pools with and without zero padding", only=("3.6", "4.5"))
def _():
    volume_id = create()
    with raises(Failed, "Failed to migrate volume"):
        move(volume_id, "domain1:unpadded")
    equal(volume(volume_id)["storagePoolId"], place.pools["domain1:pool1"], "the pool")


run()
