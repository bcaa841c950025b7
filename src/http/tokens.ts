// Bearer tokens: made once and shown once, kept as hashes. A token is 32 random bytes, so a plain SHA-256 can't be searched.

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { chmodSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";

import { z } from "zod";

import { checkName } from "../core/reference";
import { validate } from "../core/validate";
import { StackError } from "../stack";
import { stackError } from "./problems";

/** What one may do: each role may do what the one before it may. */
export const roles = ["read", "write", "admin"] as const;

/** read: look. write: change profiles and volumes, and apply. admin: delete, and see the audit log's tail and the metrics. */
export type Role = (typeof roles)[number];

/** Whether a role may do what needs another one. */
export function admits(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed);
}

/** Who makes a request. */
export interface Identity {
  name: string;
  role: Role;
  /** How it is known. */
  by: "token" | "certificate" | "machine";
}

const fileSchema = z.strictObject({
  tokens: z.array(
    z.strictObject({
      name: z.string().describe("Owner of the token"),
      role: z.enum(roles),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      createdAt: z.string(),
      expiresAt: z.iso.datetime().optional().describe("Expiry time"),
    }),
  ),
});

type TokenFile = z.infer<typeof fileSchema>;

/**
 * Makes a token and adds its hash to a file, which is made where it isn't there. A token of the same name is replaced.
 * Returns the token: it is told this once. Errors: `service-option-invalid`, `name-invalid`, `wrong-type`.
 */
export function makeToken(
  file: string,
  { name, role, expiresAt }: { name: string; role: Role; expiresAt?: Date | undefined },
): string {
  const [wrong] = checkName("token", name, "name");
  if (wrong) throw new StackError([wrong]);
  const token = `sp_${randomBytes(32).toString("base64url")}`;
  const { tokens } = isThere(file) ? readTokens(file) : { tokens: [] };
  const entry = {
    name,
    role,
    sha256: hashOf(token),
    createdAt: new Date().toISOString(),
    expiresAt: expiresAt?.toISOString(),
  };
  const all: TokenFile = { tokens: [...tokens.filter((each) => each.name !== name), entry] };
  const beside = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(beside, `${JSON.stringify(all, null, 2)}\n`, { mode: 0o600 });
    chmodSync(beside, 0o600);
    renameSync(beside, file);
  } catch (error) {
    const why = `${file} can't be written: ${error instanceof Error ? error.message : String(error)}`;
    const allowed = "a file in a directory that exists and is writable";
    throw stackError("service-option-invalid", "tokens", file, { why, allowed }, { cause: error });
  }
  return token;
}

/**
 * Knows tokens by a file. The file is read again when it changes, so that a token can be taken away without a stop; one that
 * can't be read any more admits nobody.
 */
export function tokenChecker(file: string): (token: string) => Identity | undefined {
  let known: { stamp: string; tokens: TokenFile["tokens"] } = { stamp: stampOf(file), tokens: readTokens(file).tokens };
  return (token) => {
    const stamp = stampOf(file);
    if (stamp !== known.stamp) known = { stamp, tokens: readOrNone(file) };
    const hash = Buffer.from(hashOf(token));
    let found: Identity | undefined;
    // All are compared, and each in constant time.
    for (const { name, role, sha256, expiresAt } of known.tokens) {
      const isVoid = expiresAt !== undefined && Date.parse(expiresAt) <= Date.now();
      if (timingSafeEqual(hash, Buffer.from(sha256)) && !isVoid) found = { name, role, by: "token" };
    }
    return found;
  };
}

function readTokens(file: string): TokenFile {
  const invalid = (why: string) =>
    stackError("service-option-invalid", "tokens", file, {
      why,
      allowed: "a file with mode 0600 created by `storage-profiles token`",
    });
  let content: unknown;
  try {
    const { mode } = statSync(file);
    if (process.platform !== "win32" && (mode & 0o077) !== 0)
      throw invalid(
        `${file} is readable or writable by other users (mode ${(mode & 0o777).toString(8).padStart(4, "0")})`,
      );
    content = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    if (error instanceof StackError) throw error;
    throw invalid(`${file} can't be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  const { value, problems } = validate(fileSchema, content, file);
  const [first, ...others] = problems;
  if (first) throw new StackError([first, ...others]);
  return value ?? { tokens: [] };
}

function readOrNone(file: string): TokenFile["tokens"] {
  try {
    return readTokens(file).tokens;
  } catch {
    return [];
  }
}

function isThere(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}

function stampOf(file: string): string {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
  return stat ? [stat.ino, stat.size, stat.mtimeNs, stat.mode].join(" ") : "none";
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
