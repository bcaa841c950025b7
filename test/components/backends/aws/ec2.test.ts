// What the plugin's client of EC2 remembers, and what not: with a metadata service and an EC2 of the test's own.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { ec2Of } from "../../../../components/backends/aws/ec2";

let server: Server;
let url: string;
let isMetadataThere = false;
const asked: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? "");
    if (request.method === "POST") return response.end("<DescribeVolumesResponse></DescribeVolumesResponse>");
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
