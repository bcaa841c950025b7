"""Keystone, Cinder and Nova, each in a process of its own that lab.py starts: services.py WHAT STATE [FD], where WHAT is one of

  keystone-template, cinder-template    makes its database (and Keystone's users and catalog), and ends
  keystone                              serves on the listening socket FD
  cinder                                serves (API, scheduler and both backends) on a port that it prints
  compute-template, compute             Nova's, in compute.py

Ends with its standard input.
"""

import os
import sys
import threading

PASSWORD = "lab-password"
REGION = "RegionOne"
USERS = {"admin": ("admin", "admin"), "plain": ("plain", "member"), "reader": ("plain", "reader")}  # project, role
# What the template has for the ports of a lab. Cinder itself asks Keystone by the internal one: off the record, and past TLS.
KEYSTONE, KEYSTONE_INTERNAL, CINDER = "http://keystone.lab", "http://keystone-internal.lab", "http://cinder.lab"
NOVA, PLACEMENT = "http://nova.lab", "http://placement.lab"


def keystone_template(state):
    import keystone.server
    from keystone.common import provider_api
    from keystone.common.sql import upgrades

    keystone.server.configure(config_files=[f"{state}/keystone.conf"])
    upgrades.offline_sync_database_to_version()

    from keystone.cmd.bootstrap import Bootstrapper

    admin = Bootstrapper()
    admin.admin_username = admin.project_name = admin.admin_role_name = "admin"
    admin.admin_password = PASSWORD
    admin.region_id = REGION
    admin.service_name = "keystone"
    admin.public_url = admin.admin_url = f"{KEYSTONE}/v3"
    admin.internal_url = f"{KEYSTONE_INTERNAL}/v3"
    admin.immutable_roles = True
    admin.bootstrap()

    apis = provider_api.ProviderAPIs
    for service, name, kind, url in (
        ("cinder0", "cinder", "block-storage", f"{CINDER}/v3/$(project_id)s"),
        ("cinder1", "cinder", "volumev3", f"{CINDER}/v3/$(project_id)s"),
        ("nova", "nova", "compute", f"{NOVA}/v2.1"),
        ("placement", "placement", "placement", PLACEMENT),
    ):
        apis.catalog_api.create_service(service, {"id": service, "type": kind, "name": name, "enabled": True})
        for interface in ("public", "internal", "admin"):
            key = f"{service}-{interface}"
            endpoint = {"id": key, "interface": interface, "region_id": REGION, "service_id": service, "url": url}
            apis.catalog_api.create_endpoint(key, {**endpoint, "enabled": True})
    plain = {"id": "plain", "name": "plain", "domain_id": "default", "description": "", "enabled": True}
    plain["id"] = os.urandom(16).hex()
    apis.resource_api.create_project(plain["id"], plain)
    roles = {role["name"]: role["id"] for role in apis.role_api.list_roles()}
    # What Nova asks of Cinder for a user, it asks as a service, too: nothing else may take an attachment away.
    apis.assignment_api.add_role_to_user_and_project(admin.admin_user_id, admin.project_id, roles["service"])
    people = {"admin": {"id": admin.admin_user_id, "project": "admin", "projectId": admin.project_id}}
    for name in ("plain", "reader"):
        user = {"name": name, "domain_id": "default", "password": PASSWORD, "enabled": True}
        user = apis.identity_api.create_user({**user, "default_project_id": plain["id"]})
        apis.assignment_api.add_role_to_user_and_project(user["id"], plain["id"], roles[USERS[name][1]])
        people[name] = {"id": user["id"], "project": "plain", "projectId": plain["id"]}
    import json

    with open(f"{state}/users.json", "w") as file:
        json.dump(people, file)


def keystone(state, fd):
    import socket
    from concurrent.futures import ThreadPoolExecutor

    from wsgi import serve

    os.environ["OS_KEYSTONE_CONFIG_FILES"] = f"{state}/keystone.conf"
    from keystone.server.wsgi import initialize_public_application

    # In several threads SQLite's connections are collected in others than their own, stay open with their locks, and some
    # later request answers 500 "database is locked".
    inner, one = initialize_public_application(), ThreadPoolExecutor(1)

    def application(environ, start_response):
        return one.submit(lambda: list(inner(environ, start_response))).result()

    serve(application, socket.socket(fileno=int(fd))).join()


def cinder_config(state):
    from cinder import monkey_patch

    monkey_patch.patch()
    from oslo_config import cfg

    from cinder import objects, version
    from cinder.common import config
    from oslo_log import log

    objects.register_all()
    cfg.CONF.register_cli_opt(cfg.StrOpt("backend_host"))
    cfg.CONF.register_opt(cfg.StrOpt("cluster", default=None))
    cfg.CONF(["--config-file", f"{state}/cinder.conf"], project="cinder", version=version.version_string())
    config.set_middleware_defaults()
    log.setup(cfg.CONF, "cinder")
    return cfg.CONF


def cinder_template(state):
    cinder_config(state)
    from cinder.db import migration

    migration.db_sync()


def cinder(state):
    conf = cinder_config(state)
    import eventlet
    from oslo_config import cfg

    from cinder import coordination, rpc, service
    from cinder.common import constants
    from cinder.volume import manager

    # All of the manager is Cinder's but this: a migration would attach both volumes and copy from one device to the other.
    manager.VolumeManager._copy_volume_data = lambda *_args, **_kwargs: None

    coordination.COORDINATOR.start()
    rpc.init(conf)
    servers = [service.Service.create(binary="cinder-scheduler", topic="cinder-scheduler")]
    for backend in conf.enabled_backends:
        conf.register_opt(cfg.StrOpt("backend_host"), group=backend)
        servers.append(
            service.Service.create(
                host=f"{conf.host}@{backend}",
                service_name=backend,
                binary=constants.VOLUME_BINARY,
                topic=constants.VOLUME_TOPIC,
                coordination=False,
            )
        )
    for each in servers:
        each.start()
    api = service.WSGIService("osapi_volume")
    api.start()
    print(api.port, flush=True)
    while True:
        eventlet.sleep(3600)


def end_with_standard_input():
    def watch():
        while os.read(0, 4096):
            pass
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    end_with_standard_input()  # a real thread: Cinder's import replaces them
    what, *rest = sys.argv[1:]
    del sys.argv[1:]  # for Keystone reads them too
    from compute import compute, compute_template

    {
        "keystone-template": keystone_template,
        "cinder-template": cinder_template,
        "keystone": keystone,
        "cinder": cinder,
        "compute-template": compute_template,
        "compute": compute,
    }[what](*rest)
