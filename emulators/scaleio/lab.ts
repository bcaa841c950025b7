// What a running gateway consists of, apart from its HTTP side.
import { StorageArray, type VolumeType } from "./array";
import { CallLog } from "./calls";
import { Clock } from "./clock";
import { defaultArray, type ArrayDescription } from "./description";
import { Faults } from "./faults";
import { settleMigrations } from "./migration";
import { Sessions } from "./sessions";
import { Version } from "./version";
import { sdcView, storagePoolView, volumeView, type View } from "./views";
import { storagePoolStatistics } from "./statistics";

export interface LabOptions {
  readonly version: string;
  readonly username: string;
  readonly password: string;
  readonly array?: ArrayDescription | undefined;
  readonly accessTokenSeconds: number;
}

/** A JSON-able picture of the array. */
export interface GatewayState {
  readonly version: string;
  /** On the gateway's clock (ISO 8601). */
  readonly now: string;
  readonly sessions: number;
  readonly volumes: readonly VolumeState[];
  readonly sdcs: readonly SdcState[];
  readonly storagePools: readonly PoolState[];
}

/** A volume with all fields of the version; these are in each. */
export interface VolumeState extends View {
  readonly id: string;
  readonly name: string | null;
  readonly sizeInKb: number;
  readonly storagePoolId: string;
  readonly volumeType: VolumeType;
  readonly useRmcache: boolean;
  readonly ancestorVolumeId: string | null;
  readonly mappedSdcInfo: readonly MappingState[] | null;
}

export interface MappingState extends View {
  readonly sdcId: string;
  readonly limitIops: number;
  readonly limitBwInMbps: number;
}

export interface SdcState extends View {
  readonly id: string;
  readonly name: string | null;
  readonly sdcGuid: string;
}

/** A pool with its Statistics. */
export interface PoolState extends View {
  readonly id: string;
  readonly name: string;
  readonly protectionDomainName: string;
  readonly statistics: PoolStatistics;
}

export interface PoolStatistics extends View {
  readonly maxCapacityInKb: number;
  readonly spareCapacityInKb: number;
  readonly capacityInUseInKb: number;
  readonly unusedCapacityInKb: number;
  readonly netUnusedCapacityInKb: number;
  readonly thickCapacityInUseInKb: number;
  readonly volumeAllocationLimitInKb: number;
  readonly capacityAvailableForVolumeAllocationInKb: number;
  readonly volumeIds: readonly string[];
}

export class Lab {
  readonly clock = new Clock();
  readonly calls = new CallLog();
  readonly faults = new Faults();
  readonly version: Version;
  readonly array: StorageArray;
  readonly sessions: Sessions;
  latencyMs = 0;

  constructor(options: LabOptions) {
    this.version = new Version(options.version);
    this.array = new StorageArray(this.version, this.clock, options.array ?? defaultArray, options.username);
    this.sessions = new Sessions(this.clock, options, options.accessTokenSeconds * 1000);
  }

  /** As after a restart of the gateway: it has kept nothing, the array everything. */
  restart(): void {
    this.sessions.closeAll();
  }

  state(): GatewayState {
    const { array } = this;
    settleMigrations(array);
    return {
      version: this.version.text,
      now: new Date(this.clock.now()).toISOString(),
      sessions: this.sessions.count(),
      volumes: [...array.volumes.values()].map((volume) => withoutLinks(volumeView(array, volume)) as VolumeState),
      sdcs: [...array.sdcs.values()].map((sdc) => withoutLinks(sdcView(array, sdc)) as SdcState),
      storagePools: [...array.storagePools.values()].map((pool) => ({
        ...withoutLinks(storagePoolView(array, pool)),
        id: pool.id,
        name: pool.name,
        protectionDomainName: array.protectionDomain(pool.protectionDomainId).name,
        statistics: storagePoolStatistics(array, pool) as PoolStatistics,
      })),
    };
  }
}

function withoutLinks({ links: _links, ...view }: View): View {
  return view;
}
