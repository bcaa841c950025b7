// What the plugin's client of EC2 remembers, and what not: with a metadata service and an EC2 of the test's own.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { ec2Of } from "../../../../components/backends/aws/ec2";

const VOLUME =
  "<DescribeVolumesResponse><volumeSet><item><volumeId>vol-1</volumeId><status>available</status><attachmentSet/></item></volumeSet>" +
  "</DescribeVolumesResponse>";

let server: Server;
let url: string;
let isMetadataThere = false;
const asked: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? "");
    if (request.method === "POST") return response.end(VOLUME);
    if (!isMetadataThere) return response.writeHead(503).end();
    return response.end(request.method === "PUT" ? "a-token" : "us-east-1");
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

test("the region is asked for again after a look-up that failed, and once when it is known", async () => {
  const ec2 = ec2Of({
    AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
    AWS_SECRET_ACCESS_KEY: "secret",
    AWS_EC2_METADATA_SERVICE_ENDPOINT: url,
    AWS_ENDPOINT_URL: url,
  });
  await expect(ec2.attachments("vol-1")).rejects.toThrow("placement/region can't be read from the instance's metadata");
  isMetadataThere = true;
  expect(await ec2.attachments("vol-1")).toEqual([]);
  asked.length = 0;
  expect(await ec2.attachments("vol-1")).toEqual([]);
  expect(asked).toEqual(["/"]);
});

describe("what is missing is named:", () => {
  const before = { ...process.env };
  afterEach(() => {
    process.env = { ...before };
    jest.resetModules();
    jest.dontMock("@aws-sdk/client-ec2");
  });

  test("AWS's SDK, with the command that installs it", async () => {
    jest.resetModules();
    jest.doMock("@aws-sdk/client-ec2", () => {
      throw Object.assign(new Error("Cannot find module '@aws-sdk/client-ec2'"), { code: "MODULE_NOT_FOUND" });
    });
    const { ec2Of: ec2WithoutSdk } =
      require("../../../../components/backends/aws/ec2") as typeof import("../../../../components/backends/aws/ec2");
    const call = ec2WithoutSdk({ AWS_REGION: "us-east-1" }).attachments("vol-1");
    await expect(call).rejects.toThrow(/npm install @aws-sdk\/client-ec2@3/);
  });

  test("credentials, with where they may come from", async () => {
    process.env = {
      ...Object.fromEntries(Object.entries(before).filter(([name]) => !name.startsWith("AWS_"))),
      ...{ AWS_CONFIG_FILE: "/nonexistent", AWS_SHARED_CREDENTIALS_FILE: "/nonexistent" },
      AWS_EC2_METADATA_DISABLED: "true",
    };
    const call = ec2Of({ AWS_REGION: "us-east-1", AWS_ENDPOINT_URL: url }).attachments("vol-1");
    await expect(call).rejects.toThrow("there are no AWS credentials. Give the instance a role");
  });
});
