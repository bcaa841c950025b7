// `serve`: the HTTP service over one project's stacks, until it is told to stop. `token`: a token for it.

import { UsageError, textOf, type CommandSpec, type Context } from "../context";
import { makeToken, roles, type Role } from "../../http/tokens";

export const serve: CommandSpec = {
  name: "serve",
  summary: "serves profiles, volumes and a status page over HTTP",
  description:
    "On loopback or a Unix socket as it stands; anywhere else only with TLS, and with tokens or client certificates. " +
    "SIGINT and SIGTERM end it: what runs is cancelled first. Its log is JSON lines on standard error.",
  ofStack: false,
  options: [
    {
      flags: "-s, --stack <name>",
      description: "a stack to serve; the first is meant where a request names none. Default: the selected one",
      many: true,
      completes: "stack",
    },
    { flags: "--listen <address>", description: "HOST:PORT, [IPv6]:PORT or unix:/PATH. Default: 127.0.0.1:4523" },
    {
      flags: "--tokens <file>",
      description: "the tokens that are known, as `token` writes them: then every request needs one",
    },
    { flags: "--tls-cert <file>", description: "the service's certificate, PEM" },
    { flags: "--tls-key <file>", description: "its key, PEM" },
    { flags: "--client-ca <file>", description: "a CA: who has a certificate of it is known by its common name" },
    {
      flags: "--client-role <name=role>",
      description: "the role of a common name, or of * for all: read, write, admin",
      many: true,
    },
    { flags: "--host-name <name>", description: "a further name by which the service is reached", many: true },
    { flags: "--audit-log <file>", description: "where every write is recorded. Default: below ~/.local/state" },
    {
      flags: "--log-level <level>",
      description: "Default: info",
      choices: ["silent", "fatal", "error", "warn", "info", "debug"],
    },
    { flags: "--open-health", description: "/healthz and /readyz answer without credentials" },
  ],
  examples: [
    ["serve", "on this machine only: open http://127.0.0.1:4523/"],
    ["serve --listen unix:/run/storage-profiles.sock", "for those who may open the socket"],
    [
      "serve --listen 0.0.0.0:4523 --tls-cert cert.pem --tls-key key.pem --tokens tokens.json",
      "for others, who need a token",
    ],
  ],
  async run(context) {
    const { io } = context;
    const project = await context.project();
    const stacks = many(context, "stack");
    for (const name of stacks ?? []) await project.stack(name).checkKnown();
    // What a service is made of is loaded when there is to be one.
    const { startService } = await import("../../http/index.js");
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
  summary: "makes a token for the HTTP service, and shows it this once",
  description:
    "The file keeps its hash only. A token of the same name is replaced; one that is taken out of the file is void at once.",
  ofStack: false,
  options: [
    { flags: "--tokens <file>", description: "the file, which is made where it isn't there" },
    { flags: "--name <name>", description: "who is to have it; the audit log and the log say so" },
    {
      flags: "--role <role>",
      description: "read: look. write: change and apply. admin: delete as well",
      choices: roles,
    },
    { flags: "--expires-in <time>", description: "how long it is valid: 12h, 90d. Default: until it is removed" },
  ],
  examples: [["token --tokens tokens.json --name ci --role write --expires-in 90d", "a token for CI, for 90 days"]],
  run(context) {
    const [file, name, role] = ["tokens", "name", "role"].map((option) => textOf(context, option));
    if (file === undefined || name === undefined || role === undefined)
      throw new UsageError("--tokens, --name and --role are needed");
    const expiresAt = expiryOf(textOf(context, "expiresIn"));
    const made = makeToken(file, { name, role: role as Role, expiresAt });
    return Promise.resolve({ json: { name, role, token: made, ...(expiresAt && { expiresAt }) }, text: made });
  },
};

function expiryOf(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const [, number, unit] = /^([1-9]\d{0,4})([hd])$/.exec(text) ?? [];
  if (number === undefined) throw new UsageError(`--expires-in takes hours or days (12h, 90d), and not "${text}"`);
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
      if (at < 1) throw new UsageError(`--client-role takes NAME=ROLE, and not "${text}"`);
      return [text.slice(0, at), text.slice(at + 1) as Role];
    }),
  );
}
