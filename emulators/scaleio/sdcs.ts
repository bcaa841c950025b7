// SDCs, the hosts: how they are found, named and approved.
import type { Sdc, StorageArray } from "./array";
import { missingOneOf, refusal, refuseIf } from "./errors";
import type { Body } from "./body";
import { reasonAgainstText } from "./volumes";

export function sdcByGuid(array: StorageArray, guid: string): Sdc {
  return required([...array.sdcs.values()].find((sdc) => sdc.guid === guid.toUpperCase()));
}

export function sdcByIp(array: StorageArray, ip: string): Sdc {
  return required([...array.sdcs.values()].find((sdc) => sdc.ips.includes(ip)));
}

export function sdcByName(array: StorageArray, name: string): Sdc {
  return required([...array.sdcs.values()].find((sdc) => sdc.name === name));
}

/** The SDC that a body names, by `sdcId` or `guid`. */
export function sdcOf(array: StorageArray, body: Body): Sdc {
  const id = body.id("sdcId");
  if (id !== undefined) return array.sdc(id);
  const guid = body.text("guid");
  if (guid === undefined) throw missingOneOf("sdcId", "guid");
  return sdcByGuid(array, guid);
}

export function renameSdc(array: StorageArray, sdc: Sdc, name: string): void {
  refuseIf(reasonAgainstText(name));
  if ([...array.sdcs.values()].some((other) => other.name === name)) throw refusal("INI_NAME_IN_USE");
  sdc.name = name;
}

/** An SDC that hasn't been seen yet is approved in advance by its GUID; it is there from then on, and disconnected. */
export function approveSdc(array: StorageArray, body: Body): Sdc {
  const guid = body.text("sdcGuid");
  const ip = body.text("sdcIp");
  const ips = body.texts("sdcIps") ?? (ip === undefined ? undefined : [ip]);
  const name = body.text("name");
  const sdc = [...array.sdcs.values()].find((other) =>
    guid === undefined ? ips?.some((approved) => other.ips.includes(approved)) : other.guid === guid.toUpperCase(),
  );
  if (guid === undefined && ips === undefined) throw missingOneOf("sdcIp", "sdcIps", "sdcGuid");
  if (!sdc) {
    if (guid === undefined) throw refusal("INI_NOT_FOUND");
    if (name !== undefined) refuseIf(reasonAgainstText(name));
    return array.addSdc({ name: name ?? null, guid, ips: ips ?? [], approved: true, connected: false });
  }
  if (sdc.approved && ips === undefined) throw refusal("SDC_ALREADY_APPROVED");
  if (name !== undefined && name !== sdc.name) renameSdc(array, sdc, name);
  sdc.approved = true;
  sdc.approvedIps = ips ?? sdc.ips;
  return sdc;
}

function required(sdc: Sdc | undefined): Sdc {
  if (!sdc) throw refusal("INI_NOT_FOUND");
  return sdc;
}
