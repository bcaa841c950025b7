// The gateway's certificate, signed by a CA of its own that clients are told to trust. Kept in a directory, the CA stays the
// same from start to start; the server's certificate is made anew each time.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { promises as fs } from "node:fs";
import * as path from "node:path";

import { generate } from "selfsigned";

export interface Certificates {
  /** PEM. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const CA_DAYS = 3650;
/** Clients refuse server certificates that are good for longer. */
const SERVER_DAYS = 397;

/** Where the CA is kept in a directory. */
export function caFileIn(directory: string): string {
  return path.join(directory, "ca.pem");
}

/** The certificates for a server that is reached by these names and addresses, and as localhost. */
export async function certificatesFor(hosts: readonly string[], directory?: string): Promise<Certificates> {
  const ca = directory === undefined ? await newCa() : await keptCa(directory);
  const now = Date.now();
  const names = new Set(["localhost", "127.0.0.1", "::1", ...hosts]);
  const server = await generate([{ name: "commonName", value: "storage-profiles ScaleIO gateway" }], {
    keyType: "ec",
    algorithm: "sha256",
    // Clocks of clients differ, and a test's may be moved.
    notBeforeDate: new Date(now - DAY_MS),
    notAfterDate: new Date(now + SERVER_DAYS * DAY_MS),
    ca,
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      { name: "subjectAltName", altNames: [...names].map(altName) },
    ],
  });
  return { ca: ca.cert, cert: server.cert, key: server.private };
}

interface Ca {
  readonly cert: string;
  readonly key: string;
}

async function newCa(): Promise<Ca> {
  const now = Date.now();
  const { cert, private: key } = await generate([{ name: "commonName", value: "storage-profiles lab CA" }], {
    keyType: "ec",
    algorithm: "sha256",
    notBeforeDate: new Date(now - DAY_MS),
    notAfterDate: new Date(now + CA_DAYS * DAY_MS),
    extensions: [
      { name: "basicConstraints", cA: true, pathLenConstraint: 0, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return { cert, key };
}

async function keptCa(directory: string): Promise<Ca> {
  const certFile = caFileIn(directory);
  const keyFile = path.join(directory, "ca-key.pem");
  const [cert, key] = await Promise.all([certFile, keyFile].map(readIfThere));
  if (cert !== undefined && key !== undefined && isGood(cert, key)) return { cert, key };
  const ca = await newCa();
  await fs.mkdir(directory, { recursive: true, mode: 0o700 });
  await writeWhole(keyFile, ca.key, 0o600);
  await writeWhole(certFile, ca.cert, 0o644);
  return ca;
}

/** Two first starts at once may leave one's key and the other's certificate: then a new CA is made, too. */
function isGood(cert: string, key: string): boolean {
  try {
    const certificate = new X509Certificate(cert);
    const lasts = Date.parse(certificate.validTo) > Date.now() + SERVER_DAYS * DAY_MS;
    return lasts && certificate.ca && certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await fs.readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

async function writeWhole(file: string, text: string, mode: number): Promise<void> {
  const temporary = `${file}.${process.pid}`;
  await fs.writeFile(temporary, text, { mode });
  await fs.rename(temporary, file);
}

function altName(host: string) {
  const isAddress = host.includes(":") || /^[\d.]+$/.test(host);
  return isAddress ? ({ type: 7, ip: host } as const) : ({ type: 2, value: host } as const);
}
