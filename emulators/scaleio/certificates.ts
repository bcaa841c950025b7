// The gateway's certificate, signed by a CA of its own that clients are told to trust. Kept in a directory, the CA stays the
// same from start to start; the server's certificate is made anew each time.
import { createPrivateKey, randomBytes, webcrypto, X509Certificate } from "node:crypto";
import { promises as fs } from "node:fs";
import * as path from "node:path";

import * as x509 from "@peculiar/x509";

export interface Certificates {
  /** PEM. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

x509.cryptoProvider.set(webcrypto as never);

const KEYS = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
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
  const issuer = new X509Certificate(ca.cert);
  const issuerKey = createPrivateKey(ca.key).export({ type: "pkcs8", format: "der" });
  const signingKey = await webcrypto.subtle.importKey("pkcs8", issuerKey, KEYS, false, ["sign"]);
  const keys = await webcrypto.subtle.generateKey(KEYS, true, ["sign", "verify"]);
  const names = new Set(["localhost", "127.0.0.1", "::1", ...hosts]);
  const server = await x509.X509CertificateGenerator.create({
    ...lasting(SERVER_DAYS),
    subject: "CN=storage-profiles ScaleIO gateway",
    issuer: issuer.subject.replaceAll("\n", ", "),
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([...names].map(altName)),
      // Python 3.13 refuses a chain without these two.
      await x509.AuthorityKeyIdentifierExtension.create(new x509.X509Certificate(ca.cert)),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { ca: ca.cert, cert: server.toString("pem"), key: await pemOf(keys.privateKey) };
}

interface Ca {
  readonly cert: string;
  readonly key: string;
}

async function newCa(): Promise<Ca> {
  const keys = await webcrypto.subtle.generateKey(KEYS, true, ["sign", "verify"]);
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    ...lasting(CA_DAYS),
    name: "CN=storage-profiles lab CA",
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: cert.toString("pem"), key: await pemOf(keys.privateKey) };
}

function lasting(days: number) {
  const now = Date.now();
  // Clocks of clients differ, and a test's may be moved.
  const notBefore = new Date(now - DAY_MS);
  return {
    serialNumber: `00${randomBytes(16).toString("hex")}`,
    notBefore,
    notAfter: new Date(now + days * DAY_MS),
    signingAlgorithm: KEYS,
  };
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key));
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" })
    .export({ type: "pkcs8", format: "pem" })
    .toString();
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

function altName(host: string): { type: "ip" | "dns"; value: string } {
  const isAddress = host.includes(":") || /^[\d.]+$/.test(host);
  return { type: isAddress ? "ip" : "dns", value: host };
}
