// ScaleIO / PowerFlex for the Docker plugin: a volume is mapped to this machine's SDC, with the limits of its profile.

import { networkInterfaces } from "node:os";

import { mappingLimits, type ScaleioSettings } from "../../../src/backends/scaleio";
import { NodeError, type NodeOptions, type NodeStorage, type NodeVolume } from "../../host/contract";
import { PerConnection } from "../../named-connections";
import { run } from "../../host/command";
import { once } from "../../once";
import { ScaleioArray, type Sdc } from "./array";
import { readConnection } from "./connection";
import { ScaleioError } from "./errors";
import { createMapping, findSdc, readMapping, removeMapping } from "./mappings";
import { GatewaySession } from "./session";
import { attachedStorage } from "../../host/attached";

/** Tells the SDC's GUID; where EMC's packages put it. */
const DRV_CFG = "/opt/emc/scaleio/sdc/bin/drv_cfg";

/** The connections come from the environment (SCALEIO_…, and SCALEIO_CONNECTIONS for those with a name), this machine's SDC from SCALEIO_SDC, else from the SDC itself, else by address. */
export function scaleioNode({ env }: NodeOptions): NodeStorage {
  // The credentials are read when they are first needed.
  const arrays = new PerConnection(
    (name) => new ScaleioArray(new GatewaySession(readConnection(() => undefined, env, name))),
  );
  const arrayOf = ({ settings }: NodeVolume) => arrays.of((settings as ScaleioSettings).connection);
  const sdcs = new PerConnection((name) => once(() => thisSdc(arrays.of(name), env)));
  const sdcOf = ({ settings }: NodeVolume) => sdcs.of((settings as ScaleioSettings).connection)();
  return attachedStorage({
    backend: "scaleio",
    env,
    isTold: (error) => error instanceof ScaleioError,
    attacher: {
      hasLimits: true,
      async isAttached(volume) {
        const { volumeId } = volume;
        return (await readMapping(arrayOf(volume), { volumeId, sdcId: (await sdcOf(volume)).id })) !== undefined;
      },
      async attach(volume) {
        const { name, volumeId, settings } = volume;
        const { id: sdcId } = await sdcOf(volume);
        const { problems, iopsLimit, bandwidthLimitKBps } = mappingLimits(settings as ScaleioSettings);
        if (problems.length > 0) throw new NodeError(problems.map(({ message }) => message).join("; "));
        const had = await readMapping(arrayOf(volume), { volumeId, sdcId });
        const accessMode = had?.accessMode ?? "ReadWrite";
        const wanted = { volumeId, sdcId, iopsLimit, bandwidthLimitKBps, accessMode };
        const isSo = had?.iopsLimit === iopsLimit && had.bandwidthLimitKBps === bandwidthLimitKBps;
        if (isSo) return;
        const { unfinished } = await createMapping(arrayOf(volume), wanted);
        if (unfinished) throw new NodeError(`${name} may be mapped without its limits: ${unfinished.message}`);
      },
      async detach(volume) {
        await removeMapping(arrayOf(volume), { volumeId: volume.volumeId, sdcId: (await sdcOf(volume)).id });
      },
      async others(volume) {
        const own = (await sdcOf(volume)).id;
        const mappings = (await arrayOf(volume).volume(volume.volumeId))?.mappedSdcInfo ?? [];
        return mappings.filter(({ sdcId }) => sdcId !== own).map(({ sdcId, sdcName }) => `host ${sdcName ?? sdcId}`);
      },
      async device(volume) {
        const systemId = await arrayOf(volume).systemId();
        return { paths: [`/dev/disk/by-id/emc-vol-${systemId}-${volume.volumeId}`], serials: [] };
      },
    },
  });
}

async function thisSdc(array: ScaleioArray, env: NodeJS.ProcessEnv): Promise<Sdc> {
  const given = env["SCALEIO_SDC"];
  // What it is called here, in the order in which that is sure.
  const guid = given === undefined ? await run(DRV_CFG, ["--query_guid"], 10).catch(() => "") : "";
  const candidates = given !== undefined ? [given] : guid.trim() !== "" ? [guid.trim()] : ownAddresses();
  const said: string[] = [];
  for (const candidate of candidates) {
    const { sdc, problems } = await findSdc(array, candidate);
    if (sdc) return sdc;
    said.push(...problems.map(({ message, allowed }) => `${message} (available: ${allowed})`));
  }
  throw new NodeError(
    `the SDC of this machine can't be determined: ${said[0] ?? "it has no address"}. ` +
      "Set SCALEIO_SDC in the plugin's environment: the SDC's id, name, GUID or IP address",
  );
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((each) =>
    (each ?? []).filter(({ internal }) => !internal).map(({ address }) => address),
  );
}
