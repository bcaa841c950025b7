// Objects as the API shows them: which fields there are depends on the version, and the links are what clients follow.
import type { Mapping, ProtectionDomain, Sdc, StorageArray, StoragePool, Volume, VTree } from "./array";

export type View = Record<string, unknown>;

export function systemView(array: StorageArray): View {
  const { system, version } = array;
  return {
    id: system.id,
    name: system.name,
    installId: system.id,
    systemVersionName: `DellEMC ScaleIO Version: ${version.release}`,
    authenticationMethod: "Native",
    capacityAlertHighThresholdPercent: 80,
    capacityAlertCriticalThresholdPercent: 90,
    capacityTimeLeftInDays: "Unlimited",
    cliPasswordAllowed: true,
    daysInstalled: 0,
    defaultIsVolumeObfuscated: false,
    enterpriseFeaturesEnabled: true,
    isInitialLicense: true,
    managementClientSecureCommunicationEnabled: true,
    maxCapacityInGb: "Unlimited",
    mdmCluster: mdmClusterView(array),
    perfProfile: version.atLeast("3.0") ? "HighPerformance" : "Default",
    restrictedSdcMode: system.restrictedSdcMode,
    restrictedSdcModeEnabled: system.restrictedSdcMode !== "None",
    showGuid: true,
    swid: "",
    tlsVersion: "TLSv1.2",
    upgradeState: "NoUpgrade",
    ...(version.atLeast("4.0") && { systemNqn: `nqn.1988-11.com.dell:powerflex:00:${system.id}` }),
    links: links("System", system.id, ["Statistics", "ProtectionDomain", "Sdc", "User"]),
  };
}

export function mdmClusterView({ system, version }: StorageArray): View {
  return {
    id: BigInt(`0x${system.id}`).toString(),
    name: system.name,
    clusterMode: "ThreeNodes",
    clusterState: "ClusteredNormal",
    goodNodesNum: 3,
    goodReplicasNum: 2,
    master: mdm(1, "Manager"),
    slaves: [{ ...mdm(2, "Manager"), status: "Normal" }],
    tieBreakers: [{ ...mdm(3, "TieBreaker"), status: "Normal" }],
  };

  function mdm(at: number, role: string) {
    const ips = [`192.0.2.${at}`];
    const id = `${system.id.slice(0, 15)}${at}`;
    const name = `${role}${at}`;
    return { id, name, ips, managementIPs: ips, port: 9011, role, versionInfo: version.release, virtualInterfaces: [] };
  }
}

export function protectionDomainView({ system, version }: StorageArray, domain: ProtectionDomain): View {
  return {
    id: domain.id,
    name: domain.name,
    systemId: system.id,
    protectionDomainState: "Active",
    overallIoNetworkThrottlingEnabled: false,
    overallIoNetworkThrottlingInKbps: null,
    rebuildNetworkThrottlingEnabled: false,
    rebuildNetworkThrottlingInKbps: null,
    rebalanceNetworkThrottlingEnabled: false,
    rebalanceNetworkThrottlingInKbps: null,
    rfcacheEnabled: true,
    rfcacheMaxIoSizeKb: 128,
    rfcacheOpertionalMode: "WriteMiss",
    rfcachePageSizeKb: 64,
    ...(version.atLeast("3.0") && {
      vtreeMigrationNetworkThrottlingEnabled: false,
      vtreeMigrationNetworkThrottlingInKbps: null,
      fglDefaultMetadataCacheSize: 0,
      fglMetadataCacheEnabled: false,
      fglDefaultNumConcurrentWrites: 1000,
    }),
    ...(version.atLeast("5.0") && { genType: "Mirroring" }),
    links: [
      ...links("ProtectionDomain", domain.id, ["Statistics", "StoragePool", "Sds", "FaultSet"]),
      parent("systemId", "System", system.id),
    ],
  };
}

export function storagePoolView({ version }: StorageArray, pool: StoragePool): View {
  const fine = pool.dataLayout === "FineGranularity";
  return {
    id: pool.id,
    name: pool.name,
    protectionDomainId: pool.protectionDomainId,
    useRmcache: pool.useRmcache,
    useRfcache: false,
    rmcacheWriteHandlingMode: "Cached",
    zeroPaddingEnabled: pool.zeroPaddingEnabled,
    sparePercentage: pool.sparePercentage,
    checksumEnabled: false,
    rebuildEnabled: true,
    rebalanceEnabled: true,
    capacityAlertHighThreshold: 80,
    capacityAlertCriticalThreshold: 90,
    backgroundScannerMode: "Disabled",
    backgroundScannerBWLimitKBps: 0,
    numOfParallelRebuildRebalanceJobsPerDevice: 2,
    ...ioPriority("rebuild", "limitNumOfConcurrentIos"),
    ...ioPriority("rebalance", "favorAppIos"),
    ...(version.atLeast("3.0") && {
      mediaType: pool.mediaType,
      dataLayout: pool.dataLayout,
      compressionMethod: pool.compressionMethod,
      externalAccelerationType: "None",
      persistentChecksumEnabled: false,
      ...ioPriority("vtreeMigration", "favorAppIos"),
      addressSpaceUsage: "Normal",
      capacityUsageState: "Normal",
      fglAccpId: null,
      fglExtraCapacity: null,
      fglMaxCompressionRatio: null,
      fglMetadataSizeXx100: null,
      fglNvdimmMetadataAmortizationX100: null,
      fglNvdimmWriteCacheSizeInMb: null,
      fglOverProvisioningFactor: null,
      fglPerfProfile: fine ? "Balanced" : null,
      fglWriteAtomicitySize: null,
    }),
    links: [
      ...links("StoragePool", pool.id, ["Statistics", "Volume", "Device", "VTree", "SpSds"]),
      parent("protectionDomainId", "ProtectionDomain", pool.protectionDomainId),
    ],
  };
}

export function sdcView({ system, version }: StorageArray, sdc: Sdc): View {
  const release = sdc.connected ? version.release : null;
  return {
    id: sdc.id,
    name: sdc.name,
    systemId: system.id,
    sdcGuid: sdc.guid,
    sdcIp: sdc.ips[0] ?? null,
    sdcApproved: sdc.approved,
    sdcApprovedIps: sdc.approvedIps,
    mdmConnectionState: sdc.connected ? "Connected" : "Disconnected",
    osType: "Linux",
    perfProfile: version.atLeast("3.0") ? "HighPerformance" : "Default",
    installedSoftwareVersionInfo: version.release,
    softwareVersionInfo: release,
    versionInfo: release,
    kernelBuildNumber: null,
    kernelVersion: null,
    memoryAllocationFailure: null,
    socketAllocationFailure: null,
    ...(version.atLeast("3.0") && { sdcIps: sdc.ips }),
    ...(version.atLeast("4.0") && { hostType: "SdcHost", sdcType: "AppSdc", nqn: null }),
    links: [...links("Sdc", sdc.id, ["Statistics", "Volume"]), parent("systemId", "System", system.id)],
  };
}

export function userView({ system }: StorageArray, { id, name }: { id: string; name: string }): View {
  const itself = { id, name, systemId: system.id, userRole: "Administrator", passwordChangeRequired: false };
  return { ...itself, links: [...links("User", id, []), parent("systemId", "System", system.id)] };
}

export function volumeView(array: StorageArray, volume: Volume): View {
  const { version } = array;
  const pool = array.poolOf(volume);
  return {
    id: volume.id,
    name: volume.name,
    sizeInKb: volume.sizeInKb,
    storagePoolId: pool.id,
    vtreeId: volume.vtreeId,
    volumeType: volume.volumeType,
    useRmcache: volume.useRmcache,
    ancestorVolumeId: volume.ancestorVolumeId,
    consistencyGroupId: volume.consistencyGroupId,
    creationTime: volume.creationTime,
    // Null, not empty: clients tell by this whether there is something to unmap.
    mappedSdcInfo: volume.mappings.length > 0 ? volume.mappings.map((mapping) => mappingView(array, mapping)) : null,
    ...(version.atLeast("3.0") ? laterFields(pool, volume) : earlierFields(volume)),
    links: [
      ...links("Volume", volume.id, ["Statistics"]),
      parent("vtreeId", "VTree", volume.vtreeId),
      parent("storagePoolId", "StoragePool", pool.id),
      ...(volume.ancestorVolumeId === null ? [] : [parent("ancestorVolumeId", "Volume", volume.ancestorVolumeId)]),
    ],
  };
}

export function vtreeView(array: StorageArray, vtree: VTree): View {
  const { version } = array;
  const pool = array.storagePool(vtree.storagePoolId);
  const volumes = array.volumesOf(vtree);
  const roots = volumes.filter((volume) => volume.ancestorVolumeId === null);
  const base = roots[0] ?? volumes[0];
  return {
    id: vtree.id,
    name: version.atLeast("3.0") ? (base?.name ?? null) : null,
    baseVolumeId: base?.id ?? null,
    storagePoolId: pool.id,
    ...(version.atLeast("3.0") && {
      rootVolumes: roots.map(({ id }) => id),
      dataLayout: pool.dataLayout,
      compressionMethod: base?.compressionMethod ?? pool.compressionMethod,
      inDeletion: false,
      vtreeMigrationInfo: migrationView(vtree),
    }),
    links: [
      ...links("VTree", vtree.id, ["Statistics", "Volume"]),
      ...(base ? [parent("baseVolumeId", "Volume", base.id)] : []),
      parent("storagePoolId", "StoragePool", pool.id),
    ],
  };
}

function migrationView({ storagePoolId, migration }: VTree): View {
  const paused = migration !== null && migration.pausedWithMs !== null;
  return {
    sourceStoragePoolId: migration ? storagePoolId : null,
    destinationStoragePoolId: migration?.destinationStoragePoolId ?? null,
    migrationStatus: !migration ? "NotInMigration" : paused ? "Paused" : "MigrationNormal",
    migrationPauseReason: paused ? "UserRequest" : null,
    migrationQueuePosition: migration ? 1 : 0,
    thicknessConversionType: migration?.conversion ?? "NoConversion",
  };
}

function mappingView({ sdcs, version }: StorageArray, mapping: Mapping): View {
  const sdc = sdcs.get(mapping.sdcId);
  const { sdcId, limitIops, limitBwInMbps, accessMode } = mapping;
  return {
    sdcId,
    sdcIp: sdc?.ips[0] ?? null,
    limitIops,
    limitBwInMbps,
    ...(version.atLeast("3.0") && { sdcName: sdc?.name ?? null, accessMode, isDirectBufferMapping: false }),
    ...(version.atLeast("4.0") && { hostType: "SdcHost", nqn: null }),
  };
}

function earlierFields(volume: Volume): View {
  return {
    mappingToAllSdcsEnabled: volume.mappedToAllSdcs,
    isObfuscated: false,
    isVvol: false,
    mappedScsiInitiatorInfo: null,
  };
}

function laterFields(pool: StoragePool, volume: Volume): View {
  return {
    dataLayout: pool.dataLayout,
    compressionMethod: volume.compressionMethod,
    accessModeLimit: volume.accessModeLimit,
    managedBy: "ScaleIO",
    notGenuineSnapshot: false,
    lockedAutoSnapshot: false,
    lockedAutoSnapshotMarkedForRemoval: false,
    autoSnapshotGroupId: null,
    snplIdOfSourceVolume: null,
    snplIdOfAutoSnapshot: null,
    retentionLevels: [],
    secureSnapshotExpTime: volume.secureUntil,
    originalExpiryTime: 0,
    timeStampIsAccurate: false,
    volumeReplicationState: "UnmarkedForReplication",
    replicationJournalVolume: false,
    replicationTimeStamp: 0,
    pairIds: null,
    volumeClass: "defaultclass",
  };
}

function ioPriority(what: string, policy: string): View {
  return {
    [`${what}IoPriorityPolicy`]: policy,
    [`${what}IoPriorityNumOfConcurrentIosPerDevice`]: 1,
    [`${what}IoPriorityBwLimitPerDeviceInKbps`]: 10240,
    [`${what}IoPriorityAppIopsPerDeviceThreshold`]: null,
    [`${what}IoPriorityAppBwPerDeviceThresholdInKbps`]: null,
    [`${what}IoPriorityQuietPeriodInMsec`]: null,
  };
}

/** The rel says "relationship", the path "relationships". */
function links(type: string, id: string, relationships: readonly string[]) {
  const self = `/api/instances/${type}::${id}`;
  return [
    { rel: "self", href: self },
    ...relationships.map((name) => ({
      rel: `/api/${type}/relationship/${name}`,
      href: `${self}/relationships/${name}`,
    })),
  ];
}

function parent(field: string, type: string, id: string) {
  return { rel: `/api/parent/relationship/${field}`, href: `/api/instances/${type}::${id}` };
}
