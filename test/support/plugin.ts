// Talks to a Docker volume plugin as dockerd does: each call a POST on a Unix socket.

import { request } from "node:http";

/** Makes a call. Rejects where the plugin isn't there, or goes away meanwhile. */
export function callPlugin(socketPath: string, call: string, body: object = {}): Promise<Record<string, any>> {
  return new Promise((done, failed) => {
    const options = { socketPath, path: `/${call}`, method: "POST", agent: false };
    const asking = request(options, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part: string) => (text += part));
      answer.on("error", failed).on("end", () => done(JSON.parse(text) as Record<string, any>));
    });
    asking.on("error", failed).end(JSON.stringify(body));
  });
}
