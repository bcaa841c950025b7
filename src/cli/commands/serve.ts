// `serve`: the HTTP service over one project's stacks, until it is told to stop. `token`: a token for it.

import { UsageError, textOf, type CommandSpec, type Context } from "../context";
import { makeToken, roles, type Role } from "../../http/tokens";

export const serve: CommandSpec = {
  name: "serve",
  summary: "Serve profiles, volumes and a status page over HTTP",
  description:
    "Loopback addresses and Unix sockets work without further options; any other address requires TLS, and tokens or client certificates. " +
    "SIGINT and SIGTERM cancel running operations and stop the service. Logs JSON lines to standard error.",
  ofStack: false,
  options: [
    {
      flags: "-s, --stack <name>",
      description: "stack to serve; the first is the default for requests that name none. Default: the selected stack",
      many: true,
      completes: "stack",
    },
    {
      flags: "--listen <address>",
      description: "address: HOST:PORT, [IPv6]:PORT or unix:/PATH. Default: 127.0.0.1:4523",
    },
    {
      flags: "--tokens <file>",
      description: "file with valid tokens, written by `token`; every request then requires a token",
    },
    { flags: "--tls-cert <file>", description: "TLS certificate of the service, PEM" },
    { flags: "--tls-key <file>", description: "TLS key of the service, PEM" },
    {
      flags: "--client-ca <file>",
      description: "CA of client certificates; clients are identified by their common name",
    },
    {
      flags: "--client-role <name=role>",
      description: "role of a common name, or of * for all: read, write, admin",
      many: true,
    },
    { flags: "--host-name <name>", description: "additional host name of the service", many: true },
    { flags: "--audit-log <file>", description: "log file for all writes. Default: in ~/.local/state" },
    {
      flags: "--log-level <level>",
      description: "minimum level of log messages. Default: info",
      choices: ["silent", "fatal", "error", "warn", "info", "debug"],
    },
    {
      flags: "--commit",
      description:
        "commit each edit to Git, with the caller as its author, and push it to the branch's upstream; several services can share one remote",
    },
    { flags: "--open-health", description: "allow /healthz and /readyz without credentials" },
  ],
  examples: [
    ["serve", "serve on this machine only: open http://127.0.0.1:4523/"],
    ["serve --listen unix:/run/storage-profiles.sock", "serve to users who can open the socket"],
    [
      "serve --listen 0.0.0.0:4523 --tls-cert cert.pem --tls-key key.pem --tokens tokens.json",
      "serve to other machines, with tokens",
    ],
    ["serve --commit", "record each edit in Git"],
  ],
  async run(context) {
    const { io } = context;
    const project = await context.project();
    const stacks = many(context, "stack");
    for (const name of stacks ?? []) await project.stack(name).checkKnown();
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- no other command needs the service
    const { startService } = require("../../http") as typeof import("../../http");
    const service = await startService({
      project,
      stacks,
      listen: textOf(context, "listen"),
      tokens: textOf(context, "tokens"),
      tlsCert: textOf(context, "tlsCert"),
      tlsKey: textOf(context, "tlsKey"),
      clientCa: textOf(context, "clientCa"),
      clientRoles: clientRoles(many(context, "clientRole")),
      hostNames: many(context, "hostName"),
      auditLog: textOf(context, "auditLog"),
      logLevel: textOf(context, "logLevel"),
      logTo: { write: (line: string) => io.err(line) },
      commit: context.options["commit"] === true,
      openHealth: context.options["openHealth"] === true,
    });
    io.out(context.json ? `${JSON.stringify({ url: service.url })}\n` : `Serving at ${service.url}\n`);
    await new Promise<void>((done) => {
      io.onInterrupt?.(done);
    });
    await service.close();
    return {};
  },
};

export const token: CommandSpec = {
  name: "token",
  summary: "Create a token for the HTTP service (shown only once)",
  description:
    "The file stores only the token's hash. An existing token with the same name is replaced; a token removed from the file is revoked immediately.",
  ofStack: false,
  options: [
    { flags: "--tokens <file>", description: "token file, created if it doesn't exist" },
    { flags: "--name <name>", description: "name of the token's owner, shown in the audit log and the log" },
    {
      flags: "--role <role>",
      description: "read: view only. write: edit and apply. admin: also delete",
      choices: roles,
    },
    { flags: "--expires-in <time>", description: "validity: 12h, 90d. Default: until it is removed" },
  ],
  examples: [
    ["token --tokens tokens.json --name ci --role write --expires-in 90d", "create a token for CI, valid for 90 days"],
  ],
  run(context) {
    const [file, name, role] = ["tokens", "name", "role"].map((option) => textOf(context, option));
    if (file === undefined || name === undefined || role === undefined)
      throw new UsageError("--tokens, --name and --role are required");
    const expiresAt = expiryOf(textOf(context, "expiresIn"));
    const made = makeToken(file, { name, role: role as Role, expiresAt });
    return Promise.resolve({ json: { name, role, token: made, ...(expiresAt && { expiresAt }) }, text: made });
  },
};

function expiryOf(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const [, number, unit] = /^([1-9]\d{0,4})([hd])$/.exec(text) ?? [];
  if (number === undefined) throw new UsageError(`--expires-in must be hours or days (12h, 90d), not "${text}"`);
  return new Date(Date.now() + Number(number) * (unit === "h" ? 3_600_000 : 86_400_000));
}

function many(context: Context, option: string): string[] | undefined {
  const value = context.options[option];
  return Array.isArray(value) ? value : undefined;
}

function clientRoles(given: readonly string[] | undefined): Record<string, Role> | undefined {
  if (!given) return undefined;
  return Object.fromEntries(
    given.map((text) => {
      const at = text.lastIndexOf("=");
      if (at < 1) throw new UsageError(`--client-role must be NAME=ROLE, not "${text}"`);
      return [text.slice(0, at), text.slice(at + 1) as Role];
    }),
  );
}
