// Changes on EC2, Cinder and Nova that were carried out though their answers got lost, were cut, or were a page of a proxy.

import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ec2Of, Ec2Refusal, Ec2Unanswered } from "../../components/backends/aws/ec2";
import { nodeStorage } from "../../components/host";
import { CinderSession } from "../../components/backends/openstack/session";
import { converge } from "../../components/backends/openstack/lifecycle";

/** How a change is answered after it was carried out. */
type Spoiling = "cut" | "truncated" | "empty" | "html 200" | "html 500";
const spoilings: Spoiling[] = ["cut", "truncated", "empty", "html 200", "html 500"];
const PAGE = "<html><body><form>Sign in</form></body></html>";

let spoiling: Spoiling | undefined;
let server: Server;
let handle: (
  request: IncomingMessage,
  body: string,
) => { status?: number; text: string; headers?: object; isChange: boolean };
/** What was asked to change. */
let changes: string[];
beforeEach(async () => {
  [spoiling, changes] = [undefined, []];
  server = createServer((request: IncomingMessage, response: ServerResponse) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const { status = 200, text, headers = {}, isChange } = handle(request, body);
      const effect = isChange ? spoiling : undefined;
      if (isChange) changes.push(body);
      if (effect === "cut") return void request.socket.destroy();
      const sent = { truncated: text.slice(0, text.length / 2), empty: "", "html 200": PAGE, "html 500": PAGE };
      const code = effect === "html 500" ? 500 : status;
      response.writeHead(code, { ...headers }).end(effect === undefined ? text : sent[effect]);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});
const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

describe("EC2", () => {
  let home: string;
  let attachments: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "sp-ec2-"));
    attachments = "";
    handle = (_request, body) => {
      const action = new URLSearchParams(body).get("Action") ?? "";
      const isChange = action === "AttachVolume" || action === "DetachVolume";
      if (action === "AttachVolume") {
        attachments = "<item><instanceId>i-1</instanceId><device>/dev/sdf</device><status>attached</status></item>";
      }
      if (action === "DetachVolume") attachments = "";
      const volume = `<item><volumeId>vol-1</volumeId><status>available</status><attachmentSet>${attachments}</attachmentSet></item>`;
      const instance = "<item><instancesSet><item><instanceId>i-1</instanceId></item></instancesSet></item>";
      const answers: Record<string, string> = {
        DescribeVolumes: `<volumeSet>${volume}</volumeSet>`,
        DescribeInstances: `<reservationSet>${instance}</reservationSet>`,
      };
      const changed = "<volumeId>vol-1</volumeId><status>attaching</status>";
      const text = `<${action}Response>${answers[action] ?? changed}</${action}Response>\n`;
      return { text, isChange };
    };
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));
  const env = () => ({
    AWS_ENDPOINT_URL_EC2: url(),
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    STORAGE_PROFILES_INSTANCE_ID: "i-1",
    STORAGE_PROFILES_MOUNTS: join(home, "mounts"),
    STORAGE_PROFILES_NODE_STATE: join(home, "records"),
  });

  test.each(spoilings)("an attachment whose answer is %s is there, and is asked for once", async (effect) => {
    spoiling = effect;
    const node = nodeStorage("aws", { config: {}, env: env() });
    const volume = { name: "v", volumeId: "vol-1", sizeGiB: 1, settings: {} };
    const waiting = { signal: AbortSignal.timeout(1_000), for: () => undefined };
    // No device ever appears here.
    await expect(node?.mount(volume as never, waiting)).rejects.toThrow(/device/);
    expect(changes).toHaveLength(1);
    expect(attachments).not.toBe("");
  });

  test.each([
    ["cut short", () => "<DescribeVolumesResponse><volumeSet><item><volumeId>vol-1</volumeId><status>in-use</st"],
    [
      "cut before the attachments",
      () => "<DescribeVolumesResponse><volumeSet><item><volumeId>vol-1</volumeId><status>in-use</status><attach",
    ],
    ["of another volume", () => "<DescribeVolumesResponse><volumeSet/></DescribeVolumesResponse>"],
    ["empty", () => ""],
    ["a page of a proxy", () => PAGE],
  ])("a list that is %s doesn't mean that nothing is attached", async (_name, text) => {
    handle = () => ({ text: text(), isChange: false });
    await expect(ec2Of(env()).attachments("vol-1")).rejects.toThrow(Ec2Unanswered);
  });

  test("a refusal is none of these", async () => {
    const text =
      "<Response><Errors><Error><Code>IncorrectState</Code><Message>No</Message></Error></Errors></Response>";
    handle = () => ({ status: 400, text, isChange: true });
    await expect(ec2Of(env()).attach("vol-1", "i-1", "/dev/sdf")).rejects.toThrow(Ec2Refusal);
    expect(changes).toHaveLength(1);
  });
});

describe("Cinder", () => {
  const volume = { id: "v", size: 1, volume_type: "a", status: "available", created_at: "2026-01-01T00:00:00" };
  let now: typeof volume;
  let session: CinderSession;
  beforeEach(() => {
    now = { ...volume };
    const catalog = [{ type: "block-storage", endpoints: [{ interface: "public", url: `${url()}/cinder` }] }];
    handle = (request, body) => {
      if (request.url?.endsWith("/auth/tokens")) {
        const text = JSON.stringify({ token: { project: { id: "p" }, catalog } });
        return { status: 201, text, headers: { "x-subject-token": "t" }, isChange: false };
      }
      if (request.method === "GET") return { text: JSON.stringify({ volume: now }), isChange: false };
      const asked = JSON.parse(body) as { "os-extend"?: { new_size: number }; "os-retype"?: { new_type: string } };
      const [size, type] = [asked["os-extend"]?.new_size, asked["os-retype"]?.new_type];
      now = { ...now, ...(size !== undefined && { size }), ...(type !== undefined && { volume_type: type }) };
      return { status: 202, text: "", isChange: true };
    };
    const connection = { authUrl: url(), identity: {}, who: "w", interface: "public", insecure: true };
    session = new CinderSession(connection as unknown as ConstructorParameters<typeof CinderSession>[0]);
  });

  test.each(spoilings)("an extension and a retype whose answers are %s are done once", async (effect) => {
    spoiling = effect;
    const wanted = { volumeId: "v", sizeGiB: 2, volumeType: "b", migrationPolicy: "never", timeoutMinutes: 1 } as const;
    expect(await converge(session, wanted, () => undefined)).toEqual({ sizeGiB: 2, volumeType: "b" });
    expect(changes).toHaveLength(2);
  });
});
