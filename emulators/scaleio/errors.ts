// What the gateway refuses, and in which words. There are two families: the gateway's own checks of a request (400, code 0)
// and refusals of the MDM, the array's manager (500, with its code and a fixed text).

/** An answer that isn't a success. */
export class GatewayError extends Error {
  constructor(
    readonly status: number,
    readonly errorCode: number,
    message: string,
    readonly details?: readonly ErrorDetail[],
  ) {
    super(message);
  }

  toJSON() {
    const { message, status, errorCode, details } = this;
    return { message, httpStatusCode: status, errorCode, ...(details && { details }) };
  }
}

/** One object's part in the refusal of an action on several. */
export interface ErrorDetail {
  readonly error: MdmErrorName;
  readonly rc: number;
  readonly errorMessage: string;
}

/** Codes and texts that were seen on arrays, or that clients depend on; up to 226 the code is the place in Dell's list. */
const known = {
  NOT_FOUND: [3, "Not found"],
  NO_RESOURCES: [67, "Insufficient resources"],
  TGT_NOT_FOUND: [78, "Could not find SDS"],
  VOL_NOT_FOUND: [79, "Could not find the volume"],
  INI_NOT_FOUND: [80, "Could not find the SDC"],
  VOL_ALREADY_MAPPED_TO_THIS_INI: [81, "The volume is already mapped to this SDC"],
  VOL_ALREADY_MAPPED_TO_ALL_INIS: [82, "The volume is already mapped to all SDCs"],
  VOL_NOT_MAPPED_TO_INI: [84, "The volume is not mapped to SDC"],
  VOL_MAPPED_TO_ALL_INIS: [86, "The volume is mapped to all SDCs"],
  VOL_NAME_IN_USE: [99, "Volume name already in use. Please use a different name."],
  VOL_MAPPED: [104, "Volume is mapped"],
  VOL_DECREASE_NOT_SUPPORTED: [133, "Volume capacity can only be increased"],
  FD_NOT_FOUND: [142, "Could not find Protection Domain"],
  STORAGE_POOL_NOT_FOUND: [171, "Could not find Storage Pool"],
  TOO_MANY_SNAPS_IN_VTREE: [182, "There are too many snapshots in the VTree"],
  NOTHING_TO_DO: [183, "There are no volumes to delete"],
  VOL_NOT_FOUND_FOR_SNAP_GROUP: [
    185,
    "No volumes were found under the given consistency group or the consistency group ID is not valid",
  ],
  VOL_SIZE_TOO_LARGE: [190, "The volume size too large"],
  FD_AND_SP_MISMATCH: [197, "The specified Storage Pool is not in the specified Protection Domain"],
  VTREE_ID_MISMATCH: [
    198,
    "To overwrite the content of a volume, the source and target volumes must be from the same V-Tree.",
  ],
  LONG_NAME: [226, "The given name exceeds the allowed length of 31 characters."],
  INVALID_NAME: [
    227,
    "The given name contains invalid characters. Use alphanumeric and punctuation characters only. Spaces are not allowed.",
  ],
  NOT_ALLOWED_MORE_THAN_ONE_MAPPING: [306, "This volume is already mapped and may not be mapped to additional SDCs."],
  VTREE_MIGRATION_ALREADY_EXISTS: [717, "The V-Tree is already undergoing migration to the same Storage Pool"],
  VTREE_MIGRATE_SAME_SP: [
    718,
    "The destination Storage Pool and the source Storage Pool are the same. Please use a destination Storage Pool that is different than the source Storage Pool.",
  ],
  HOST_NOT_MAPPED: [4039, "The volume is not mapped to host"],
} as const;

/**
 * Inferred: the texts are Dell's, the codes are their places in Dell's list (goscaleio, code.properties.go), which aren't the
 * array's numbers any more after 226. Put right here whichever a real array tells otherwise.
 */
const inferred = {
  INVALID_THROTTLE_INFO: [
    284,
    "Invalid throttle parameters. Check the help output for the valid range and use arguments that are within that range.",
  ],
  TOO_MUCH_THIN_CAPACITY: [300, "Requested volume size exceeds the volume allocation limit"],
  INITIATOR_NOT_APPROVED: [322, "The SDC is not approved"],
  INI_NAME_IN_USE: [579, "SDC name is already in use. Please use a different name."],
  SDC_ALREADY_APPROVED: [671, "The SDC is already approved."],
  VTREE_MIGRATE_MULTIPLE_SP: [
    755,
    "The V-Tree is currently undergoing migration. You can either roll back the current migration or wait for it to complete before initiating another migration.",
  ],
  VTREE_MIGRATION_NOT_FOUND: [790, "The V-Tree is not currently being migrated."],
  VTREE_MIGRATION_ALREADY_PAUSING: [795, "The V-Tree migration is already paused."],
  VTREE_MIGRATION_MUST_BE_PAUSED: [815, "V-Tree migration must be paused before it can be rolled back."],
  VTREE_MIGRATION_NOT_PAUSED: [874, "The V-Tree migration is not currently paused."],
  COMPRESSION_METHOD_ONLY_RELEVANT_FOR_SPEF: [
    879,
    "Compression may only be enabled on volumes with Fine Granularity layout",
  ],
  VTREE_MAY_NOT_MIGRATED_TO_DIFFERENT_DATA_LAYOUT: [
    882,
    "V-Trees with multiple volumes, or V-Trees that are included in a snapshot policy, may not be migrated between Storage Pools with different data layouts.",
  ],
  RAM_CACHE_NOT_SUPPORTED_FOR_SPEF_VOL: [891, "RAM Read Cache is not supported for fine granularity Volumes"],
  VTREE_NOT_FOUND: [896, "The VTree was not found"],
  THICK_NOT_SUPPORTED_FOR_SPEF: [
    905,
    "Cannot migrate a thick-provisioned V-Tree into a fine granularity Storage Pool. Set the conversion flag to thin-provisioned and try migrating again.",
  ],
  VTREE_MAY_NOT_MIGRATED_TO_DIFFERENT_ZERO_PADDING: [
    978,
    "You cannot migrate a V-Tree between Storage Pools with different zero-padding settings.",
  ],
  THICK_VOLUME_CANNOT_BE_ADDED_TO_SPEF_SP: [995, "Thick volumes cannot be added to fine granularity Storage Pools"],
  // Neither number nor text of this one is public.
  VOL_ACCESS_MODE_LIMIT: [1200, "The access mode exceeds the access mode limit of the volume"],
  // Nor of these.
  NOT_AN_AUTO_SNAPSHOT: [1201, "The volume is not an auto snapshot"],
  NOT_A_SNAPSHOT: [1202, "The volume is not a snapshot"],
  SNAPSHOT_IS_SECURE: [1203, "The snapshot is secure and can't be removed before its retention period has ended"],
  RETENTION_CANNOT_BE_SHORTENED: [1204, "The retention period of a secure snapshot can't be shortened"],
} as const;

const mdmErrors = { ...known, ...inferred };

export type MdmErrorName = keyof typeof mdmErrors;

/** A refusal of the MDM. */
export function refusal(name: MdmErrorName): GatewayError {
  const [code, text] = mdmErrors[name];
  return new GatewayError(500, code, text);
}

export function refuseIf(name: MdmErrorName | undefined): void {
  if (name) throw refusal(name);
}

/** A refusal of an action on several objects, with one detail for each that is the reason. */
export function refusalOfSeveral(names: readonly MdmErrorName[]): GatewayError {
  const details = names.map((error) => ({ error, rc: mdmErrors[error][0], errorMessage: mdmErrors[error][1] }));
  return new GatewayError(500, details[0]?.rc ?? 0, "Error with details", details);
}

/** A request that the gateway doesn't pass on to the MDM. */
export function invalidRequest(message: string): GatewayError {
  return new GatewayError(400, 0, message);
}

export function missingParameters(...names: string[]): GatewayError {
  const list = names.join(", ");
  return invalidRequest(
    `Request message is not valid: The following parameter(s) must be part of the request body: ${list}.`,
  );
}

export function missingOneOf(...names: string[]): GatewayError {
  const list = names.join(", ");
  return invalidRequest(
    `Request message is not valid: One of the parameter(s) must be part of the request body: ${list}`,
  );
}

export function notAChoice(name: string, choices: readonly string[], value: string): GatewayError {
  return invalidRequest(
    `${name} should get one of the following values: ${choices.join(", ")}, but its value is ${value}.`,
  );
}

export function notHexadecimal(name: string, value: string): GatewayError {
  return invalidRequest(`${name} (${value}) must be a hexadecimal number (unsigned long).`);
}

export const unauthorized = new GatewayError(401, 0, "Unauthorized");

export function notFound(what: string): GatewayError {
  return new GatewayError(404, 0, `${what} isn't known`);
}

export function methodNotAllowed(method: string): GatewayError {
  return new GatewayError(405, 0, `Request method '${method}' not supported`);
}
