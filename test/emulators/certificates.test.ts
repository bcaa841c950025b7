// The gateway's certificate, as strict clients judge it: Python 3.13 and newer refuse a chain that only lenient ones take.
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { once } from "node:events";
import * as tls from "node:tls";

import { startScaleioGateway, type ScaleioGateway } from "../../emulators";
import { describeIf } from "../support/machine";

const openssl = (() => {
  try {
    return execFileSync("openssl", ["version"], { encoding: "utf8" });
  } catch {
    return undefined;
  }
})();

describeIf(openssl !== undefined, "a gateway's certificate", "no openssl here", () => {
  let gateway: ScaleioGateway;
  let certificate: X509Certificate;
  let [directory, ca, server] = ["", "", ""];
  beforeAll(async () => {
    directory = fs.mkdtempSync(path.join(tmpdir(), "sp-certificates-"));
    [ca, server] = [path.join(directory, "ca.pem"), path.join(directory, "server.pem")];
    gateway = await startScaleioGateway();
    const socket = tls.connect({ host: "127.0.0.1", port: Number(new URL(gateway.url).port), ca: gateway.ca });
    await once(socket, "secureConnect");
    certificate = new X509Certificate(socket.getPeerCertificate(true).raw);
    socket.destroy();
    fs.writeFileSync(ca, gateway.ca);
    fs.writeFileSync(server, certificate.toString());
  });
  afterAll(async () => {
    await gateway.close();
    fs.rmSync(directory, { recursive: true, force: true });
  });

  test("passes a strict check of the whole chain", () => {
    const verify = ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", ca, server];
    expect(execFileSync("openssl", verify, { encoding: "utf8" })).toContain("OK");
  });

  test("is for the loopback addresses and localhost, and no CA itself", () => {
    expect(certificate.checkIP("127.0.0.1")).toBe("127.0.0.1");
    expect(certificate.checkIP("::1")).toBeDefined();
    expect(certificate.checkHost("localhost")).toBe("localhost");
    expect(certificate.checkHost("gateway.example")).toBeUndefined();
    expect([certificate.ca, new X509Certificate(gateway.ca).ca]).toEqual([false, true]);
  });
});
