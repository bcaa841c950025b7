"""Drives the gateway with os-brick's ScaleIOConnector: the untouched scaleio.py of the released package.

What it does to the machine that it runs on is done for it: the GUID of the SDC would come from its kernel module, and
the disk would show up in /dev/disk/by-id.
"""

import contextlib
import logging
import pathlib
import tempfile
import uuid

import os_brick
import requests
from os_brick import exception
from os_brick.initiator.connectors import scaleio
from oslo_concurrency import lockutils
from oslo_config import cfg

from lab import ask, check, equal, fresh, mappings, place, raises, released, run, true, volume

Failed = exception.BrickException

_home = tempfile.TemporaryDirectory()
lockutils.set_defaults(_home.name)
os_brick.setup(cfg.CONF)


class Connector(scaleio.ScaleIOConnector):
    """On the SDC that it is given. `before_limits` is called when a volume is mapped and its limits aren't set yet."""

    def __init__(self, sdc, before_limits=lambda: None):
        super().__init__(root_helper="")
        self.sdc = sdc
        self.before_limits = before_limits

    def _get_guid(self):
        # As priv_scaleio.get_guid returns it: the kernel's bytes as a UUID, in lower case.
        return str(uuid.UUID(self.sdc["guid"]))

    def get_search_path(self):
        self.before_limits()
        disk = pathlib.Path(_home.name) / f"emc-vol-{place.system}-{self.volume_id}"
        disk.touch()
        return _home.name


def properties(volume_id=None, **more):
    """The connection, as Cinder's driver describes it."""
    return {
        "scaleIO_volname": None,
        "scaleIO_volume_id": volume_id,
        "hostIP": place.sdcs[0]["ip"],
        "serverIP": place.address,
        "serverPort": place.port,
        "serverUsername": place.username,
        "serverPassword": place.password,
        "serverToken": None,
        "iopsLimit": None,
        "bandwidthLimit": None,
        "verify_certificate": True,
        "certificate_path": place.ca,
        **more,
    }


def create(name=None):
    """A volume made behind the clients' back: creating is Cinder's part."""
    return ask("create", name=name or fresh())


def connect(volume_id, sdc=0, **more):
    return Connector(place.sdcs[sdc]).connect_volume(properties(volume_id, **more))


def disconnect(volume_id, sdc=0, **more):
    return Connector(place.sdcs[sdc]).disconnect_volume(properties(volume_id, **more), None)


def mapping(volume_id, sdc=0):
    return mappings(volume_id)[place.sdcs[sdc]["id"]]


def limits(volume_id, sdc=0):
    each = mapping(volume_id, sdc)
    return each["limitIops"], each["limitBwInMbps"]


@contextlib.contextmanager
def said(text):
    """What is done within logs one error, with this text in it: that is all the connector makes of a refused limit."""
    errors = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: errors.append(record.getMessage())
    logger = logging.getLogger(scaleio.__name__)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
    true(len(errors) == 1 and text in errors[0], f"one error with {text!r} is logged: {errors}")


@check("is the client that was released")
def _():
    released("os-brick", scaleio)


# ---- mapping ---------------------------------------------------------------------------------------------------------


@check("maps a volume to the SDC with its GUID, which it knows in lower case")
def _():
    volume_id = create()
    equal(volume(volume_id)["mappedSdcInfo"], None, "the mappings before")
    equal(connect(volume_id)["path"], f"{_home.name}/emc-vol-{place.system}-{volume_id}", "the disk")
    equal(list(mappings(volume_id)), [place.sdcs[0]["id"]], "the SDCs")
    equal(limits(volume_id), (0, 0), "the limits")
    equal(mapping(volume_id).get("accessMode"), None if place.version == "2.0" else "ReadWrite", "the access mode")


@check("takes what is mapped already for mapped")
def _():
    volume_id = create()
    connect(volume_id)
    connect(volume_id)
    equal(len(mappings(volume_id)), 1, "the number of mappings")


@check("maps a volume to a second SDC")
def _():
    volume_id = create()
    connect(volume_id, 0)
    connect(volume_id, 1)
    equal(sorted(mappings(volume_id)), sorted(sdc["id"] for sdc in place.sdcs[:2]), "the SDCs")


@check("can't map a volume to an SDC that isn't there")
def _():
    volume_id = create()
    with raises(Failed, "Error mapping volume", "Could not find the SDC"):
        Connector({"guid": "00000000-0000-4000-8000-000000000000"}).connect_volume(properties(volume_id))
    equal(volume(volume_id)["mappedSdcInfo"], None, "the mappings")


@check("can't map a volume that isn't there")
def _():
    with raises(Failed, "Error mapping volume", "Could not find the volume"):
        connect("00000000ffffffff")


@check("finds a volume by a name that must be encoded, and it encodes twice")
def _():
    for name in ("plain", "+/=+/=+/=+/=+/=+/=+/=+==", "a&b?c#d;e,f:g'h"):
        volume_id = create(name=name)
        connector = Connector(place.sdcs[0])
        connector.connect_volume(properties(None, scaleIO_volname=name))
        equal(connector.volume_id, volume_id, f"the id of {name}")
        equal(len(mappings(volume_id)), 1, f"the number of mappings of {name}")


@check("finds no volume by a name that isn't there")
def _():
    with raises(Failed, "Error getting volume id from name nowhere"):
        connect(None, scaleIO_volname="nowhere")


@check("finds its SDC by its address, and none that isn't there")
def _():
    connector = Connector(place.sdcs[1])
    connector.get_config(properties(create(), hostIP=place.sdcs[1]["ip"]))
    equal(connector._get_client_id(), place.sdcs[1]["id"], "the SDC")
    connector.get_config(properties(create(), hostIP="192.0.2.99"))
    with raises(Failed, "Error getting sdc id from ip 192.0.2.99"):
        connector._get_client_id()


# ---- limits ----------------------------------------------------------------------------------------------------------


@check("sets limits when it maps, in KB/s, which are held in MB/s")
def _():
    volume_id = create()
    connect(volume_id, iopsLimit="500", bandwidthLimit="10240")
    equal(limits(volume_id), (500, 10), "the limits")


@check("sets limits for its own SDC only")
def _():
    volume_id = create()
    connect(volume_id, 0)
    connect(volume_id, 1)
    connect(volume_id, 0, iopsLimit="500", bandwidthLimit="10240")
    equal((limits(volume_id, 0), limits(volume_id, 1)), ((500, 10), (0, 0)), "the limits")


@check("sets one limit and leaves the other")
def _():
    volume_id = create()
    connect(volume_id, iopsLimit="500")
    equal(limits(volume_id), (500, 0), "the limits")
    connect(volume_id, bandwidthLimit="2048")
    equal(limits(volume_id), (500, 2), "the limits then")
    connect(volume_id, iopsLimit="11")
    equal(limits(volume_id), (11, 2), "the limits in the end")


@check("takes a limit away with 0")
def _():
    volume_id = create()
    connect(volume_id, iopsLimit="500", bandwidthLimit="2048")
    connect(volume_id, iopsLimit="0")
    equal(limits(volume_id), (0, 2), "the limits")
    connect(volume_id, bandwidthLimit="0")
    equal(limits(volume_id), (0, 0), "the limits then")


@check("takes both limits away at once", only=("3.6", "4.5"))
def _():
    volume_id = create()
    connect(volume_id, iopsLimit="500", bandwidthLimit="2048")
    connect(volume_id, iopsLimit="0", bandwidthLimit="0")
    equal(limits(volume_id), (0, 0), "the limits")


@check("can't take both limits away at once", only=("2.0",))
def _():
    volume_id = create()
    connect(volume_id, iopsLimit="500", bandwidthLimit="2048")
    with said("Error setting client limits for volume"):
        connect(volume_id, iopsLimit="0", bandwidthLimit="0")
    equal(limits(volume_id), (500, 2), "the limits")


@check("leaves the limits when the gateway refuses new ones, and says so")
def _():
    volume_id = create()
    connect(volume_id, iopsLimit="500", bandwidthLimit="2048")
    for refused in (
        {"iopsLimit": "10"},
        {"iopsLimit": "1"},
        {"iopsLimit": "-1"},
        {"iopsLimit": "many"},
        {"bandwidthLimit": "1000"},
        {"bandwidthLimit": "2047"},
        {"iopsLimit": "600", "bandwidthLimit": "1000"},
    ):
        with said("Error setting client limits for volume"):
            connect(volume_id, **refused)
        equal(limits(volume_id), (500, 2), f"the limits after {refused}")


@check("loses the limits with the mapping")
def _():
    volume_id = create()
    connect(volume_id, iopsLimit="500", bandwidthLimit="2048")
    disconnect(volume_id)
    connect(volume_id)
    equal(limits(volume_id), (0, 0), "the limits")


# ---- unmapping -------------------------------------------------------------------------------------------------------


@check("unmaps a volume from its SDC, and from no other")
def _():
    volume_id = create()
    connect(volume_id, 0)
    connect(volume_id, 1)
    disconnect(volume_id, 0)
    equal(list(mappings(volume_id)), [place.sdcs[1]["id"]], "the SDCs")
    disconnect(volume_id, 1)
    equal(volume(volume_id)["mappedSdcInfo"], None, "the mappings")


@check("takes what isn't mapped for unmapped")
def _():
    volume_id = create()
    disconnect(volume_id)
    connect(volume_id, 1)
    disconnect(volume_id, 0)
    equal(list(mappings(volume_id)), [place.sdcs[1]["id"]], "the SDCs")


@check("can't unmap a volume that isn't there, nor from an SDC that isn't")
def _():
    with raises(Failed, "Error unmapping volume", "Could not find the volume"):
        disconnect("00000000ffffffff")
    volume_id = create()
    with raises(Failed, "Error unmapping volume", "Could not find the SDC"):
        Connector({"guid": "00000000-0000-4000-8000-000000000000"}).disconnect_volume(properties(volume_id), None)


# ---- logging in ------------------------------------------------------------------------------------------------------


@check("logs in when its token is stale, and keeps the new one")
def _():
    volume_id = create()
    connector = Connector(place.sdcs[0])
    connector.connect_volume(properties(volume_id, serverToken="stale", iopsLimit="500"))
    true(connector.server_token not in (None, "stale"), "it has another token")
    token = connector.server_token
    connector.disconnect_volume(properties(volume_id, serverToken=token), None)
    equal(connector.server_token, token, "the token")


@check("logs in again when its token has expired")
def _():
    volume_id = create()
    connector = Connector(place.sdcs[0])
    connector.connect_volume(properties(volume_id))
    token = connector.server_token
    ask("advance", minutes=11)
    connector.disconnect_volume(properties(volume_id, serverToken=token), None)
    true(connector.server_token != token, "it has another token")
    equal(volume(volume_id)["mappedSdcInfo"], None, "the mappings")


@check("goes on when the gateway is restarted between mapping and limits")
def _():
    volume_id = create()
    asked = []

    def restart():
        if not asked:
            asked.append(ask("restart"))

    connector = Connector(place.sdcs[0], before_limits=restart)
    connector.connect_volume(properties(volume_id, iopsLimit="500", bandwidthLimit="2048"))
    equal(len(asked), 1, "the number of restarts")
    equal(limits(volume_id), (500, 2), "the limits")


@check("is refused with a wrong password")
def _():
    volume_id = create()
    with raises(Failed, "Error mapping volume", "Unauthorized"):
        connect(volume_id, serverPassword="wrong")
    equal(volume(volume_id)["mappedSdcInfo"], None, "the mappings")


# ---- TLS -------------------------------------------------------------------------------------------------------------


@check("doesn't talk to a gateway whose certificate it can't verify")
def _():
    volume_id = create()
    with raises(requests.exceptions.SSLError, "certificate verify failed"):
        connect(volume_id, certificate_path=None)
    equal(volume(volume_id)["mappedSdcInfo"], None, "the mappings")


@check("talks to it unverified when told so")
def _():
    volume_id = create()
    connect(volume_id, verify_certificate=False, certificate_path=None)
    equal(len(mappings(volume_id)), 1, "the number of mappings")


run()
